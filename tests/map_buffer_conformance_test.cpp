#include <list>
#include <numeric>
#include <ranges>

#include "executors.hpp"
#include "map_tasks.hpp"

// map() with a buffersize, on every executor.
namespace poolmark::test {
namespace {

template <class Case>
class MapBufferConformance : public ::testing::Test {};
TYPED_TEST_SUITE(MapBufferConformance, AllExecutors, ExecutorNames);

/// An endless input that counts what was read from it.
auto counting_input(int& read) {
  return std::views::iota(0) | std::views::transform([&read](int x) {
           ++read;
           return x;
         });
}

TYPED_TEST(MapBufferConformance, MAP_16_a_buffersize_below_one_is_refused_by_the_call) {
  auto pool = TypeParam::make();
  const std::vector<int> input{1};
  EXPECT_THROW_WITH(pool.map({.buffersize = 0}, square, input), std::invalid_argument,
                    "buffersize is 0: it must be at least 1");
  EXPECT_THROW_WITH(pool.map({.buffersize = -3}, square, input), std::invalid_argument,
                    "buffersize is -3");
}

TYPED_TEST(MapBufferConformance, MAP_17_every_buffersize_gives_the_same_results) {
  auto pool = TypeParam::make();
  std::vector<int> input(10);
  std::iota(input.begin(), input.end(), 0);
  for (const int buffersize : {1, 2, 3, 9, 10, 11, 1000}) {
    for (const int chunksize : {1, 3, 20}) {
      const MapOptions options{.chunksize = chunksize, .buffersize = buffersize};
      EXPECT_EQ(collect(pool.map(options, square, input)), squares_below(10))
          << "buffersize " << buffersize << " chunksize " << chunksize;
      EXPECT_THAT(collect(pool.map(options, add, input, std::list{5, 6, 7})),
                  ::testing::ElementsAre(5, 7, 9))
          << "buffersize " << buffersize << " chunksize " << chunksize;
    }
  }
}

TYPED_TEST(MapBufferConformance, MAP_18_an_input_may_be_endless_with_a_buffersize) {
  auto pool = TypeParam::make();
  auto squares = pool.map({.buffersize = 4}, square, std::views::iota(0));
  std::vector<int> first;
  for (const int value : squares) {
    first.push_back(value);
    if (first.size() == 20) break;
  }
  EXPECT_EQ(first, squares_below(20));
  auto sums = pool.map({.buffersize = 4}, add, std::views::iota(0), std::views::iota(100));
  EXPECT_EQ(*sums.begin(), 100);
}

TYPED_TEST(MapBufferConformance,
           MAP_20_the_buffer_is_filled_before_the_first_fetch_and_no_further) {
  auto pool = TypeParam::make();
  int read = 0;
  auto results = pool.map({.buffersize = 4}, square, counting_input(read));
  EXPECT_EQ(read, 4);
}

TYPED_TEST(MapBufferConformance, MAP_21_the_buffer_never_holds_one_more_than_it_may) {
  auto pool = TypeParam::make();
  int read = 0;
  auto results = pool.map({.buffersize = 2}, square, counting_input(read));
  auto it = results.begin();
  EXPECT_EQ(*it, 0);
  EXPECT_EQ(read, 2) << "a read while an element of the buffer is still to be yielded";
  ++it;
  EXPECT_EQ(read, 3);
  ++it;  // not looked at, and yet waited for
  EXPECT_EQ(read, 4);
}

TYPED_TEST(MapBufferConformance,
           MAP_22_a_buffered_map_yields_its_buffer_and_then_tells_of_the_shutdown) {
  auto pool = TypeParam::make();
  auto results = pool.map({.buffersize = 2}, square, std::views::iota(1));
  pool.shutdown();
  auto it = results.begin();
  EXPECT_EQ(*it, 1);
  ++it;
  EXPECT_EQ(*it, 4);
  ++it;
  ASSERT_FALSE(it == results.end()) << "the results were cut short in silence";
  EXPECT_THROW(*it, ShutdownError);
  EXPECT_TRUE(it == results.end());
}

TYPED_TEST(MapBufferConformance, MAP_22_passing_over_the_refusal_ends_the_map) {
  auto pool = TypeParam::make();
  auto results = pool.map({.buffersize = 1}, square, std::views::iota(1));
  pool.shutdown();
  auto it = results.begin();
  ++it;
  ASSERT_FALSE(it == results.end());
  ++it;
  EXPECT_TRUE(it == results.end());
}

TYPED_TEST(MapBufferConformance, MAP_22_closing_ends_a_map_whose_pool_was_shut_down) {
  auto pool = TypeParam::make();
  auto results = pool.map({.buffersize = 1}, square, std::views::iota(1));
  pool.shutdown();
  auto it = results.begin();
  ++it;
  results.close();
  EXPECT_TRUE(it == results.end());
}

TYPED_TEST(MapBufferConformance, MAP_22_results_cancelled_by_shutdown_are_told_one_by_one) {
  if (TypeParam::kRunsInSubmit) SKIP_ROW(kSequentialNeverPending);
  auto pool = TypeParam::make(1);
  BusyWorker busy(pool);
  auto results = pool.map({.chunksize = 2}, square, std::vector{1, 2, 3});
  pool.shutdown({.wait = false, .cancel_futures = true});
  int cancelled = 0;
  for (auto it = results.begin(); it != results.end(); ++it) {
    EXPECT_THROW(*it, CancelledError);
    ++cancelled;
  }
  EXPECT_EQ(cancelled, 3);
}

TYPED_TEST(MapBufferConformance, MAP_23_the_buffer_counts_elements_also_in_chunks) {
  auto pool = TypeParam::make();
  int read = 0;
  auto results = pool.map({.chunksize = 2, .buffersize = 4}, square, counting_input(read));
  EXPECT_EQ(read, 4);
}

TYPED_TEST(MapBufferConformance, MAP_24_a_buffered_map_does_not_keep_its_executor_alive) {
  auto results = [] {
    auto pool = TypeParam::make();
    return pool.map({.buffersize = 2}, square, std::views::iota(1));
  }();  // returns although the input has no end
  auto it = results.begin();
  EXPECT_EQ(*it, 1);
  ++it;
  EXPECT_EQ(*it, 4);
  ++it;
  EXPECT_THROW(*it, ShutdownError);
}

}  // namespace
}  // namespace poolmark::test
