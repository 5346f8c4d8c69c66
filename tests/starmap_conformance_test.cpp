#include <array>
#include <list>
#include <map>
#include <memory>
#include <string>

#include "executors.hpp"
#include "map_tasks.hpp"

// starmap, which CPython's executors have not and mpi4py's have, on every executor.
namespace poolmark::test {
namespace {

using ::testing::ElementsAre;

template <class Case>
class StarmapConformance : public ::testing::Test {};
TYPED_TEST_SUITE(StarmapConformance, AllExecutors, ExecutorNames);

TYPED_TEST(StarmapConformance, MAP_25_the_parts_of_each_row_are_the_arguments) {
  auto pool = TypeParam::make();
  const std::vector<std::pair<int, int>> pairs{{1, 2}, {3, 4}, {5, 6}};
  EXPECT_THAT(collect(pool.starmap(add, pairs)), ElementsAre(3, 7, 11));
  const std::list<std::array<int, 2>> arrays{{1, 2}, {3, 4}};
  EXPECT_THAT(collect(pool.starmap(add, arrays)), ElementsAre(3, 7));
  const std::vector<std::tuple<std::string, int>> rows{{"ab", 2}, {"c", 3}};
  EXPECT_THAT(collect(pool.starmap(repeat, rows)), ElementsAre("abab", "ccc"));
  if constexpr (TypeParam::kSharesMemory) {  // the constant key of a map's entry does not cross
    const std::map<int, int> entries{{1, 10}, {2, 20}};
    EXPECT_THAT(collect(pool.starmap(add, entries)), ElementsAre(11, 22));
  }
  EXPECT_TRUE(collect(pool.starmap(add, std::vector<std::pair<int, int>>{})).empty());
  EXPECT_THAT(collect(starmap(pool, add, pairs)), ElementsAre(3, 7, 11));
}

TYPED_TEST(StarmapConformance, MAP_25_the_options_are_those_of_map) {
  auto pool = TypeParam::make();
  std::vector<std::tuple<int, int>> rows;
  for (int i = 0; i < 20; ++i) rows.emplace_back(i * i, 0);
  for (const int chunksize : {1, 3, 100}) {
    for (const auto buffersize : {std::optional<int>(), std::optional(2)}) {
      EXPECT_EQ(
          collect(pool.starmap({.chunksize = chunksize, .buffersize = buffersize}, add, rows)),
          squares_below(20));
    }
  }
  EXPECT_THROW(pool.starmap({.buffersize = 0}, add, rows), std::invalid_argument);
}

TYPED_TEST(StarmapConformance, MAP_25_a_row_whose_call_fails_fails_alone) {
  auto pool = TypeParam::make();
  const auto divide = [](int x, int y) {
    if (y == 0) throw std::out_of_range("by zero");
    return x / y;
  };
  auto results = pool.starmap(divide, std::vector{std::pair(4, 2), std::pair(1, 0)});
  auto it = results.begin();
  EXPECT_EQ(*it, 2);
  ++it;
  EXPECT_THROW_WITH(*it, std::out_of_range, "by zero");
}

TEST(Starmap, reads_and_writes_the_callers_rows_in_place) {
  ThreadPoolExecutor pool(2);
  std::vector<std::pair<std::unique_ptr<int>, int>> rows;
  for (int i = 0; i < 3; ++i) rows.emplace_back(std::make_unique<int>(i), i);
  const auto move_over = [](const std::unique_ptr<int>& from, int& to) { to += *from; };
  EXPECT_EQ(collect(pool.starmap(move_over, rows)).size(), 3U);
  EXPECT_EQ(rows[2].second, 4);
}

}  // namespace
}  // namespace poolmark::test
