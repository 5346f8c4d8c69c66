#include <array>
#include <limits>
#include <list>
#include <memory>
#include <numeric>

#include "executors.hpp"
#include "map_tasks.hpp"

// "Executor.map" of Python's documentation, on every executor: order, errors, options.
namespace poolmark::test {
namespace {

template <class Case>
class MapConformance : public ::testing::Test {};
TYPED_TEST_SUITE(MapConformance, AllExecutors, ExecutorNames);

TYPED_TEST(MapConformance, MAP_01_results_come_in_input_order) {
  auto pool = TypeParam::make();
  std::vector<int> input(200);
  std::iota(input.begin(), input.end(), 0);
  EXPECT_EQ(collect(pool.map(square, input)), squares_below(200));
}

TYPED_TEST(MapConformance, MAP_01_several_inputs_end_with_the_shortest) {
  auto pool = TypeParam::make();
  const std::vector<int> xs{1, 2, 3, 4, 5};
  const std::array<int, 3> ys{10, 20, 30};
  EXPECT_THAT(collect(pool.map(add, xs, ys)), ::testing::ElementsAre(11, 22, 33));
  EXPECT_THAT(collect(pool.map(add, ys, std::list{1, 2})), ::testing::ElementsAre(11, 22));
}

TYPED_TEST(MapConformance, MAP_01_order_holds_when_later_elements_finish_first) {
  if (TypeParam::kRunsInSubmit) SKIP_ROW(kSequentialNeverPending);
  auto pool = TypeParam::make(2);
  Event may_end;
  auto results = pool.map(TypeParam::waiting(HoldZero{may_end.name()}), std::vector{0, 1, 2});
  auto behind = pool.submit(identity, 3);
  EXPECT_EQ(behind.result(), 3);  // the other worker has come past 1 and 2
  may_end.set();
  EXPECT_THAT(collect(results), ::testing::ElementsAre(0, 1, 2));
}

TYPED_TEST(MapConformance, MAP_02_every_chunksize_gives_the_same_results) {
  auto pool = TypeParam::make();
  std::vector<int> input(10);
  std::iota(input.begin(), input.end(), 0);
  for (const int chunksize : {1, 2, 3, 4, 9, 10, 11, 1'000'000}) {
    EXPECT_EQ(collect(pool.map({.chunksize = chunksize}, square, input)), squares_below(10))
        << "chunksize " << chunksize;
    EXPECT_EQ(
        collect(pool.map({.chunksize = chunksize}, square, std::list(input.begin(), input.end()))),
        squares_below(10))
        << "chunksize " << chunksize << ", input without random access";
  }
}

TYPED_TEST(MapConformance, MAP_03_all_work_is_submitted_though_nobody_iterates) {
  Mailbox ran;
  auto pool = TypeParam::make();
  auto results = pool.map({.chunksize = 2}, Post{ran.name()}, std::vector{1, 2, 3, 4, 5});
  pool.shutdown();
  EXPECT_EQ(ran.size(), 5);
  EXPECT_THAT(collect(results), ::testing::ElementsAre(1, 2, 3, 4, 5));
}

TYPED_TEST(MapConformance, MAP_04_an_elements_error_appears_where_it_is_read) {
  auto pool = TypeParam::make();
  auto results = pool.map(square_unless_three, std::vector{2, 3});
  auto it = results.begin();
  EXPECT_EQ(*it, 4);
  ++it;  // never throws for an element that failed
  EXPECT_THROW_WITH(*it, std::out_of_range, "three");
}

TYPED_TEST(MapConformance, MAP_05_iteration_goes_on_behind_a_failed_element) {
  auto pool = TypeParam::make();
  auto results = pool.map(square_unless_three, std::vector{2, 3, 4});
  auto it = results.begin();
  EXPECT_EQ(*it, 4);
  ++it;
  EXPECT_THROW(*it, std::out_of_range);
  EXPECT_THROW(*it, std::out_of_range);
  ++it;
  EXPECT_EQ(*it, 16);
  ++it;
  EXPECT_TRUE(it == results.end());
}

TYPED_TEST(MapConformance, MAP_06_only_the_failing_element_of_a_chunk_fails) {
  auto pool = TypeParam::make();
  auto results = pool.map({.chunksize = 3}, square_unless_three, std::vector{2, 3, 4});
  auto it = results.begin();
  EXPECT_EQ(*it, 4);
  ++it;
  EXPECT_THROW_WITH(*it, std::out_of_range, "three");
  ++it;
  EXPECT_EQ(*it, 16);
}

TYPED_TEST(MapConformance, MAP_07_an_exhausted_map_stays_exhausted) {
  auto pool = TypeParam::make();
  auto results = pool.map(square, std::vector{1});
  auto it = results.begin();
  ++it;
  EXPECT_TRUE(it == results.end());
  ++it;
  EXPECT_TRUE(it == results.end());
  EXPECT_TRUE(results.begin() == results.end());
  EXPECT_THROW(*it, InvalidStateError);
}

TYPED_TEST(MapConformance, MAP_11_a_timeout_error_of_the_function_does_not_end_the_map) {
  auto pool = TypeParam::make();
  auto results = pool.map(
      {.timeout = 1h},
      [](int x) {
        if (x == 1) throw TimeoutError("the task's own timeout");
        return x;
      },
      std::vector{1, 2});
  auto it = results.begin();
  EXPECT_THROW_WITH(*it, TimeoutError, "the task's own timeout");
  ++it;
  EXPECT_EQ(*it, 2);
}

TYPED_TEST(MapConformance, MAP_14_a_value_that_was_yielded_is_not_kept) {
  if (!TypeParam::kSharesMemory) {
    SKIP_ROW(kProcessesShareNothing);
  } else if constexpr (TypeParam::kSharesMemory) {
    auto pool = TypeParam::make();
    auto results = pool.map([](int x) { return std::make_shared<int>(x); }, std::vector{1, 2});
    auto it = results.begin();
    std::shared_ptr<int> taken = *it;
    EXPECT_EQ(taken.use_count(), 1);
    ++it;
    // Also if it was only looked at.
    std::weak_ptr<int> looked_at = static_cast<const std::shared_ptr<int>&>(*it);
    EXPECT_FALSE(looked_at.expired());
    ++it;
    EXPECT_TRUE(looked_at.expired());
  }
}

TYPED_TEST(MapConformance, MAP_15_a_chunksize_below_one_is_refused_by_the_call) {
  auto pool = TypeParam::make();
  const std::vector<int> input{1};
  EXPECT_THROW_WITH(pool.map({.chunksize = 0}, square, input), std::invalid_argument,
                    "chunksize is 0: it must be at least 1");
  EXPECT_THROW_WITH(pool.map({.chunksize = -1}, square, input), std::invalid_argument,
                    "chunksize is -1");
  // And one beyond the input is not.
  constexpr int kMost = std::numeric_limits<int>::max();
  EXPECT_EQ(collect(pool.map({.chunksize = kMost}, identity, input)), input);
}

TYPED_TEST(MapConformance, MAP_19_an_empty_input_gives_an_empty_result) {
  auto pool = TypeParam::make();
  EXPECT_TRUE(collect(pool.map(square, std::vector<int>{})).empty());
  EXPECT_TRUE(collect(pool.map({.buffersize = 2}, square, std::list<int>{})).empty());
  EXPECT_TRUE(collect(pool.map(add, std::vector<int>{1}, std::vector<int>{})).empty());
}

TYPED_TEST(MapConformance, MAP_a_temporary_map_may_be_iterated) {
  auto pool = TypeParam::make();
  int sum = 0;
  for (const int value : pool.map(square, std::vector{1, 2, 3})) sum += value;
  EXPECT_EQ(sum, 14);
}

TYPED_TEST(MapConformance, MAP_of_a_function_without_a_value_yields_one_thing_an_element) {
  auto pool = TypeParam::make();
  Mailbox ran;
  auto results = pool.map([box = ran.name()](int x) { box.post(x); }, std::vector{1, 2, 3});
  EXPECT_EQ(collect(results).size(), 3U);
  EXPECT_EQ(ran.size(), 3);
}

}  // namespace
}  // namespace poolmark::test
