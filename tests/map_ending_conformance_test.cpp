#include <atomic>
#include <thread>

#include "executors.hpp"
#include "map_tasks.hpp"

// How a map ends before its input does, on every executor: timeout, close(), destruction.
namespace poolmark::test {
namespace {

template <class Case>
class MapEndingConformance : public ::testing::Test {};
TYPED_TEST_SUITE(MapEndingConformance, AllExecutors, ExecutorNames);

TYPED_TEST(MapEndingConformance, MAP_08_an_element_that_is_late_raises_the_timeout_error) {
  if (TypeParam::kRunsInSubmit) SKIP_ROW(kSequentialNeverPending);
  auto pool = TypeParam::make(1);
  Event may_end;
  const std::vector<int> input{0, 1};
  auto results = pool.map({.timeout = 1ms}, HoldZero{may_end.name()}, input);
  auto it = results.begin();
  // The time is over although a worker is still reading the caller's range.
  try {
    static_cast<void>(*it);
    ADD_FAILURE() << "no TimeoutError";
  } catch (const TimeoutError& error) {
    EXPECT_EQ(error.unfinished, 2U);
    EXPECT_EQ(error.total, 2U);
  }
  may_end.set();
}

TYPED_TEST(MapEndingConformance, MAP_08_the_timeout_counts_from_the_call) {
  if (TypeParam::kRunsInSubmit) SKIP_ROW(kSequentialNeverPending);
  auto pool = TypeParam::make(1);
  Event may_end;
  const auto timeout = 20ms;
  auto results = pool.map({.timeout = timeout}, HoldZero{may_end.name()}, std::vector{0});
  const auto over = std::chrono::steady_clock::now() + timeout;
  std::this_thread::sleep_until(over);  // the passing of time is the event here

  // Were the time to begin with the fetch, the test would sleep in it, and get a value.
  std::atomic<bool> fetching{false};
  std::jthread release_a_sleeper([&, test = this_thread_id()] {
    fetching.wait(false);
    await_sleep_of(test);
    may_end.set();
  });
  fetching = true;
  fetching.notify_one();
  EXPECT_THROW(*results.begin(), TimeoutError);
  release_a_sleeper.join();  // here the test sleeps, and so lets the worker go
}

TYPED_TEST(MapEndingConformance,
           MAP_09_after_the_timeout_the_rest_is_cancelled_and_the_map_at_its_end) {
  if (TypeParam::kRunsInSubmit) SKIP_ROW(kSequentialNeverPending);
  Mailbox begun;
  Event may_end;
  auto pool = TypeParam::make(1);
  auto results =
      pool.map({.timeout = 1ms}, PostAndWait{begun.name(), may_end.name()}, std::vector{1, 2, 3});
  EXPECT_EQ(begun.receive(), 1);
  auto it = results.begin();
  EXPECT_THROW(*it, TimeoutError);
  EXPECT_TRUE(it == results.end());
  ++it;
  EXPECT_TRUE(it == results.end());
  may_end.set();
  pool.shutdown();
  EXPECT_EQ(begun.size(), 0) << "an element ran that should have been cancelled";
}

TYPED_TEST(MapEndingConformance,
           MAP_10_the_element_waited_for_is_cancelled_too_if_it_has_not_begun) {
  if (TypeParam::kRunsInSubmit) SKIP_ROW(kSequentialNeverPending);
  Mailbox ran;
  auto pool = TypeParam::make(1);
  {
    BusyWorker busy(pool);
    auto results = pool.map({.timeout = 0s}, Post{ran.name()}, std::vector{1, 2});
    EXPECT_THROW(*results.begin(), TimeoutError);
  }
  pool.shutdown();
  EXPECT_EQ(ran.size(), 0);
}

TYPED_TEST(MapEndingConformance, MAP_12_closing_cancels_what_has_not_begun) {
  if (TypeParam::kRunsInSubmit) SKIP_ROW(kSequentialNeverPending);
  Mailbox begun;
  Event may_end;
  auto pool = TypeParam::make(1);
  const std::vector<int> input{1, 2, 3};
  auto results = pool.map(PostAndWait{begun.name(), may_end.name()}, input);
  EXPECT_EQ(begun.receive(), 1);
  results.close();  // does not wait for the element that runs
  EXPECT_TRUE(results.begin() == results.end());
  may_end.set();
  pool.shutdown();
  EXPECT_EQ(begun.size(), 0);
}

TYPED_TEST(MapEndingConformance, MAP_13_dropping_a_map_that_was_begun_cancels_the_rest) {
  if (TypeParam::kRunsInSubmit) SKIP_ROW(kSequentialNeverPending);
  Mailbox ran;
  auto pool = TypeParam::make(1);
  {
    BusyWorker busy(pool);
    auto results = pool.map(Post{ran.name()}, std::vector{1, 2});
    static_cast<void>(results.begin());
  }
  pool.shutdown();
  EXPECT_EQ(ran.size(), 0);
}

TYPED_TEST(MapEndingConformance, MAP_13_dropping_a_map_that_nobody_began_lets_everything_run) {
  Mailbox ran;
  auto pool = TypeParam::make(1);
  static_cast<void>(pool.map(Post{ran.name()}, std::vector{1, 2}));
  pool.shutdown();
  EXPECT_EQ(ran.size(), 2);
}

TYPED_TEST(MapEndingConformance, MAP_13_the_callers_range_may_go_when_the_map_is_gone) {
  auto pool = TypeParam::make();
  for (int round = 0; round < 20; ++round) {
    std::vector<int> input(50, round);
    auto results = pool.map(identity, input);
    EXPECT_EQ(*results.begin(), round);
    // The map ends, and then the range: asan sees a worker that still reads it.
  }
}

}  // namespace
}  // namespace poolmark::test
