#include <list>
#include <set>
#include <thread>

#include "executors.hpp"

// "Module Functions", as_completed(), of Python's documentation, on the futures of every executor.
namespace poolmark::test {
namespace {

using ::testing::ElementsAre;

template <class Case>
class AsCompletedConformance : public ::testing::Test {};
TYPED_TEST_SUITE(AsCompletedConformance, AllExecutors, ExecutorNames);

TYPED_TEST(AsCompletedConformance, ASC_01_each_future_comes_once) {
  auto pool = TypeParam::make();
  std::vector<Future<int>> futures;
  for (int i = 0; i < 100; ++i) futures.push_back(pool.submit(identity, i));
  std::set<int> seen;
  int count = 0;
  for (Future<int>& future : as_completed(futures)) {
    EXPECT_TRUE(future.done());
    seen.insert(future.result());
    ++count;
  }
  EXPECT_EQ(count, 100);
  EXPECT_EQ(seen.size(), 100U);
}

TYPED_TEST(AsCompletedConformance, ASC_01_done_ones_first_then_in_the_order_of_completion) {
  if (TypeParam::kRunsInSubmit) SKIP_ROW(kSequentialNeverPending);
  auto pool = TypeParam::make(3);
  std::array<Event, 3> may_end;
  std::vector<Future<int>> futures;
  for (int i = 0; i < 3; ++i) {
    futures.push_back(pool.submit(TypeParam::waiting(return_when),
                                  may_end[static_cast<std::size_t>(i)].name(), i));
  }
  may_end[1].set();
  futures[1].result();

  std::vector<int> order;
  for (Future<int>& future : as_completed(futures)) {
    order.push_back(future.result());
    if (order.size() == 1) may_end[2].set();
    if (order.size() == 2) may_end[0].set();
  }
  EXPECT_THAT(order, ElementsAre(1, 2, 0));
}

TYPED_TEST(AsCompletedConformance, ASC_01_futures_that_failed_or_were_cancelled_come_too) {
  if (TypeParam::kRunsInSubmit) SKIP_ROW(kSequentialNeverPending);
  auto pool = TypeParam::make(1);
  BusyWorker held(pool);
  auto cancelled = pool.submit(square, 1);
  auto failing = pool.submit(throw_out_of_range, 1);
  EXPECT_TRUE(cancelled.cancel());
  std::vector<Future<int>> order;
  for (auto& future : as_completed(std::vector{failing, cancelled})) {
    order.push_back(future);
    if (order.size() == 1) held.release();
  }
  EXPECT_THAT(order, ElementsAre(cancelled, failing));
}

TYPED_TEST(AsCompletedConformance, ASC_02_duplicates_come_once_and_any_range_will_do) {
  auto pool = TypeParam::make();
  auto a = pool.submit(square, 1);
  auto b = pool.submit(square, 2);
  int count = 0;
  for ([[maybe_unused]] auto& future : as_completed(std::list{a, b, a})) ++count;
  EXPECT_EQ(count, 2);
  const std::set<Future<int>> as_set{a, b};
  for ([[maybe_unused]] auto& future : as_completed(as_set)) --count;
  EXPECT_EQ(count, 0);
  for ([[maybe_unused]] auto& future : as_completed(std::vector<AnyFuture>{})) ++count;
  EXPECT_EQ(count, 0);
}

TYPED_TEST(AsCompletedConformance, ASC_03_a_timeout_yields_what_is_done_and_then_throws) {
  if (TypeParam::kRunsInSubmit) SKIP_ROW(kSequentialNeverPending);
  auto pool = TypeParam::make(2);
  BusyWorker held(pool, TypeParam::waiting(hold_worker));
  auto finished = pool.submit(square, 2);
  finished.result();
  const std::chrono::duration<double> timeouts[] = {0s, -1s, 1ms};
  for (const auto timeout : timeouts) {
    std::vector<Future<int>> seen;
    const auto iterate = [&] {
      for (auto& future :
           as_completed(std::vector{held.future(), finished}, {.timeout = timeout})) {
        seen.push_back(future);
      }
    };
    EXPECT_THROW(iterate(), TimeoutError);
    EXPECT_THAT(seen, ElementsAre(finished));
  }
}

TYPED_TEST(AsCompletedConformance, ASC_04_the_timeout_says_how_many_of_how_many) {
  if (TypeParam::kRunsInSubmit) SKIP_ROW(kSequentialNeverPending);
  auto pool = TypeParam::make(1);
  std::vector<Future<int>> futures;
  for (int i = 0; i < 3; ++i) futures.push_back(pool.submit(square, i));
  wait(futures);
  BusyWorker held(pool);
  futures.push_back(held.future());
  try {
    for ([[maybe_unused]] auto& future : as_completed(futures, {.timeout = 0s})) {
    }
    ADD_FAILURE() << "no TimeoutError";
  } catch (const TimeoutError& error) {
    EXPECT_EQ(error.unfinished, 1U);
    EXPECT_EQ(error.total, 4U);
    EXPECT_STREQ(error.what(), "1 (of 4) futures unfinished");
  }
}

TYPED_TEST(AsCompletedConformance, ASC_05_a_future_is_let_go_when_the_iteration_moves_on) {
  auto pool = TypeParam::make(1);
  std::vector<Future<int>> futures{pool.submit(square, 1), pool.submit(square, 2)};
  wait(futures);
  pool.shutdown();  // and with it the worker's own references
  auto range = as_completed(futures);
  futures.clear();
  auto it = range.begin();
  const Future<int> first = *it;
  ++it;
  EXPECT_TRUE(first.state()->is_unique());
}

// CPython's begins with the first fetch, whatever its manual says.
TYPED_TEST(AsCompletedConformance, ASC_06_the_timeout_counts_from_the_call) {
  if (TypeParam::kRunsInSubmit) SKIP_ROW(kSequentialNeverPending);
  auto pool = TypeParam::make(1);
  Event may_end;
  auto future = pool.submit(return_when, may_end.name(), 1);
  const auto timeout = 20ms;
  auto range = as_completed(std::vector{future}, {.timeout = timeout});
  const auto over = std::chrono::steady_clock::now() + timeout;
  std::this_thread::sleep_until(over);  // the passing of time is the event here

  // Were the time to begin with the fetch, the test would sleep in it, and get the future.
  std::atomic<bool> fetching{false};
  std::jthread release_a_sleeper([&, test = this_thread_id()] {
    fetching.wait(false);
    await_sleep_of(test);
    may_end.set();
  });
  fetching = true;
  fetching.notify_one();
  EXPECT_THROW(range.begin(), TimeoutError);
  release_a_sleeper.join();  // here the test sleeps, and so lets the worker go
}

// CPython's hangs: cpython#87893.
TYPED_TEST(AsCompletedConformance, ASC_07_futures_cancelled_by_shutdown_are_yielded) {
  if (TypeParam::kRunsInSubmit) SKIP_ROW(kSequentialNeverPending);
  auto pool = TypeParam::make(1);
  BusyWorker held(pool);
  std::vector<Future<int>> futures;
  for (int i = 0; i < 5; ++i) futures.push_back(pool.submit(square, i));
  auto range = as_completed(futures);
  std::jthread shut_down([&, test = this_thread_id()] {
    await_sleep_of(test);
    pool.shutdown({.wait = false, .cancel_futures = true});
  });
  int cancelled = 0;
  for (auto& future : range) cancelled += future.cancelled() ? 1 : 0;
  EXPECT_EQ(cancelled, 5);
}

TYPED_TEST(AsCompletedConformance, ASC_08_leaving_the_loop_leaves_the_futures_as_they_are) {
  if (TypeParam::kRunsInSubmit) SKIP_ROW(kSequentialNeverPending);
  auto pool = TypeParam::make(2);
  BusyWorker held(pool, TypeParam::waiting(hold_worker));
  auto finished = pool.submit(square, 2);
  for (auto& future : as_completed(std::vector{held.future(), finished})) {
    EXPECT_EQ(future, finished);
    break;
  }
  held.release();  // would tell the loop that has gone
  EXPECT_EQ(held.future().result(), 0);
}

}  // namespace
}  // namespace poolmark::test
