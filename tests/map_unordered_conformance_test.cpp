#include <algorithm>
#include <list>
#include <numeric>
#include <ranges>

#include "executors.hpp"
#include "map_tasks.hpp"

// map_unordered, which CPython has not and mpi4py has, on every executor.
namespace poolmark::test {
namespace {

using ::testing::ElementsAre;
using ::testing::UnorderedElementsAre;

template <class Case>
class MapUnorderedConformance : public ::testing::Test {};
TYPED_TEST_SUITE(MapUnorderedConformance, AllExecutors, ExecutorNames);

template <class Map>
auto sorted(Map&& results) {
  auto values = collect(results);
  std::ranges::sort(values);
  return values;
}

TYPED_TEST(MapUnorderedConformance, MAP_25_every_element_comes_once_whatever_the_options) {
  auto pool = TypeParam::make();
  std::vector<int> input(50);
  std::iota(input.begin(), input.end(), 0);
  const std::list<int> unindexed(input.begin(), input.end());
  EXPECT_EQ(sorted(pool.map_unordered(square, input)), squares_below(50));
  EXPECT_EQ(sorted(pool.map_unordered(square, unindexed)), squares_below(50));
  for (const int chunksize : {1, 3, 50, 1000}) {
    for (const auto buffersize : {std::optional<int>(), std::optional(1), std::optional(7)}) {
      const MapOptions options{.chunksize = chunksize, .buffersize = buffersize};
      EXPECT_EQ(sorted(pool.map_unordered(options, square, input)), squares_below(50));
      EXPECT_EQ(sorted(pool.map_unordered(options, square, unindexed)), squares_below(50));
    }
  }
  EXPECT_THAT(collect(pool.map_unordered(add, input, std::array{10, 20})),
              UnorderedElementsAre(10, 21));
  EXPECT_TRUE(collect(pool.map_unordered(square, std::vector<int>{})).empty());
  EXPECT_THROW(pool.map_unordered({.chunksize = 0}, square, input), std::invalid_argument);
}

/// The element 0 is held until all others have come.
template <class Map>
void expect_zero_last(Map&& results, const Event& zero_may_end) {
  auto it = results.begin();
  std::vector<int> first;
  for (int i = 0; i < 3; ++i, ++it) first.push_back(*it);
  EXPECT_THAT(first, UnorderedElementsAre(1, 2, 3));
  zero_may_end.set();
  EXPECT_EQ(*it, 0);
  ++it;
  EXPECT_TRUE(it == results.end());
}

TYPED_TEST(MapUnorderedConformance, MAP_25_results_come_as_they_are_done) {
  if (TypeParam::kRunsInSubmit) SKIP_ROW(kSequentialNeverPending);
  auto pool = TypeParam::make(2);
  const std::vector input{0, 1, 2, 3};
  for (const auto buffersize : {std::optional<int>(), std::optional(2)}) {
    const MapOptions options{.chunksize = 1, .buffersize = buffersize};
    Event indexed;
    expect_zero_last(
        pool.map_unordered(options, TypeParam::waiting(HoldZero{indexed.name()}), input), indexed);
    Event unindexed;
    expect_zero_last(pool.map_unordered(options, TypeParam::waiting(HoldZero{unindexed.name()}),
                                        std::list{0, 1, 2, 3}),
                     unindexed);
  }
}

TYPED_TEST(MapUnorderedConformance, MAP_25_one_worker_completes_in_input_order) {
  if (!TypeParam::kSharesMemory) SKIP_ROW("two threads may collect what one process has answered");
  auto pool = TypeParam::make(1);
  EXPECT_EQ(collect(pool.map_unordered(square, std::views::iota(0, 50))), squares_below(50));
  EXPECT_EQ(collect(pool.map_unordered({.chunksize = 3}, square, std::views::iota(0, 50))),
            squares_below(50));
}

TYPED_TEST(MapUnorderedConformance, MAP_25_a_failed_element_takes_nobody_with_it) {
  auto pool = TypeParam::make();
  for (const int chunksize : {1, 3}) {
    auto results =
        pool.map_unordered({.chunksize = chunksize}, square_unless_three, std::vector{1, 2, 3, 4});
    int failed = 0;
    std::vector<int> values;
    for (auto it = results.begin(); it != results.end(); ++it) {
      try {
        values.push_back(*it);
      } catch (const std::out_of_range&) {
        ++failed;
      }
    }
    EXPECT_EQ(failed, 1);
    EXPECT_THAT(values, UnorderedElementsAre(1, 4, 16));
  }
}

TYPED_TEST(MapUnorderedConformance, MAP_25_a_buffer_bounds_what_is_read_and_not_yielded) {
  auto pool = TypeParam::make();
  int read = 0;
  const auto endless = std::views::iota(0) | std::views::transform([&read](int x) {
                         ++read;
                         return x;
                       });
  auto results = pool.map_unordered({.buffersize = 3}, square, endless);
  EXPECT_EQ(read, 3);
  auto it = results.begin();
  for (int yielded = 0; yielded < 20; ++yielded, ++it) {
    static_cast<void>(*it);
    EXPECT_EQ(read, yielded + 3);
  }
}

TYPED_TEST(MapUnorderedConformance, MAP_25_the_timeout_ends_it_when_nothing_is_done) {
  if (TypeParam::kRunsInSubmit) SKIP_ROW(kSequentialNeverPending);
  for (const auto buffersize : {std::optional<int>(), std::optional(2)}) {
    Mailbox begun;
    Event may_end;
    auto pool = TypeParam::make(1);
    const std::vector input{1, 2, 3};
    auto results = pool.map_unordered({.timeout = 1ms, .chunksize = 1, .buffersize = buffersize},
                                      PostAndWait{begun.name(), may_end.name()}, input);
    EXPECT_EQ(begun.receive(), 1);
    auto it = results.begin();
    EXPECT_THROW(*it, TimeoutError);
    EXPECT_TRUE(it == results.end());
    may_end.set();
    pool.shutdown();
    EXPECT_EQ(begun.size(), 0) << "an element ran that should have been cancelled";
  }
}

TYPED_TEST(MapUnorderedConformance, MAP_25_closing_and_dropping_cancel_what_has_not_begun) {
  if (TypeParam::kRunsInSubmit) SKIP_ROW(kSequentialNeverPending);
  for (const bool closes : {true, false}) {
    Mailbox ran;
    auto pool = TypeParam::make(1);
    {
      BusyWorker busy(pool);
      const std::vector input{1, 2};
      auto results = pool.map_unordered(Post{ran.name()}, input);
      auto other = pool.map_unordered(Post{ran.name()}, std::list{1, 2});
      static_cast<void>(results.begin());
      static_cast<void>(other.begin());
      if (closes) {
        results.close();
        other.close();
        EXPECT_TRUE(results.begin() == results.end());
        EXPECT_TRUE(other.begin() == other.end());
      }
    }
    pool.shutdown();
    EXPECT_EQ(ran.size(), 0);
  }
}

TYPED_TEST(MapUnorderedConformance, MAP_25_what_nobody_reads_runs_all_the_same) {
  Mailbox ran;
  auto pool = TypeParam::make(1);
  static_cast<void>(pool.map_unordered(Post{ran.name()}, std::vector{1, 2}));
  static_cast<void>(pool.map_unordered(Post{ran.name()}, std::list{1, 2}));
  pool.shutdown();
  EXPECT_EQ(ran.size(), 4);
}

TYPED_TEST(MapUnorderedConformance, MAP_25_the_callers_range_may_go_when_the_map_is_gone) {
  auto pool = TypeParam::make();
  for (int round = 0; round < 20; ++round) {
    std::vector<int> input(50, round);
    auto results = pool.map_unordered(identity, input);
    EXPECT_EQ(*results.begin(), round);
    auto buffered = pool.map_unordered({.buffersize = 10}, identity, input);
    EXPECT_EQ(*buffered.begin(), round);
    // The maps end, and then the range: asan sees a worker that still reads it.
  }
}

TYPED_TEST(MapUnorderedConformance, MAP_25_a_shutdown_is_told_behind_the_buffer) {
  auto pool = TypeParam::make();
  auto results = pool.map_unordered({.buffersize = 2}, square, std::views::iota(1));
  pool.shutdown();
  auto it = results.begin();
  std::vector<int> buffered;
  for (int i = 0; i < 2; ++i, ++it) buffered.push_back(*it);
  EXPECT_THAT(buffered, UnorderedElementsAre(1, 4));
  EXPECT_THROW(*it, ShutdownError);
  EXPECT_TRUE(it == results.end());
}

TYPED_TEST(MapUnorderedConformance, MAP_25_elements_cancelled_by_shutdown_come_too) {
  if (TypeParam::kRunsInSubmit) SKIP_ROW(kSequentialNeverPending);
  auto pool = TypeParam::make(1);
  BusyWorker busy(pool);
  auto results = pool.map_unordered(square, std::vector{1, 2, 3});
  pool.shutdown({.wait = false, .cancel_futures = true});
  int cancelled = 0;
  for (auto it = results.begin(); it != results.end(); ++it, ++cancelled) {
    EXPECT_THROW(*it, CancelledError);
  }
  EXPECT_EQ(cancelled, 3);
}

}  // namespace
}  // namespace poolmark::test
