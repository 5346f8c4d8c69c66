#include "poolmark/map.hpp"

#include <list>
#include <memory>
#include <numeric>
#include <span>

#include "executors.hpp"
#include "map_tasks.hpp"

// map() over a thread pool's memory, and over executors that are not of this library.
namespace poolmark::test {
namespace {

using ::testing::ElementsAre;

TEST(Map, reads_a_callers_range_in_place) {
  ThreadPoolExecutor pool(2);
  const std::vector<std::string> words{"a", "b", "c"};
  const auto address = [](const std::string& word) { return &word; };
  EXPECT_THAT(collect(pool.map(address, words)), ElementsAre(&words[0], &words[1], &words[2]));
}

TEST(Map, writes_through_a_callers_range) {
  ThreadPoolExecutor pool(2);
  std::vector<int> numbers{1, 2, 3};
  collect(pool.map([](int& x) { x *= 2; }, numbers));
  EXPECT_THAT(numbers, ElementsAre(2, 4, 6));
}

TEST(Map, keeps_a_temporary_range_alive) {
  ThreadPoolExecutor pool(2);
  auto results = pool.map([](const std::string& word) { return word; },
                          std::vector<std::string>{"a string that is long enough for the heap"});
  EXPECT_THAT(collect(results), ElementsAre("a string that is long enough for the heap"));
}

TEST(Map, takes_a_function_that_only_moves) {
  ThreadPoolExecutor pool(2);
  EXPECT_THAT(collect(pool.map([factor = std::make_unique<int>(3)](int x) { return x * *factor; },
                               std::vector{1, 2})),
              ElementsAre(3, 6));
}

TEST(Map, yields_results_that_only_move) {
  ThreadPoolExecutor pool(2);
  std::vector<std::unique_ptr<int>> owned;
  for (auto&& result :
       pool.map([](int x) { return std::make_unique<int>(x); }, std::vector{1, 2})) {
    owned.push_back(std::move(result));
  }
  EXPECT_EQ(*owned[0] + *owned[1], 3);
}

TEST(Map, may_be_moved_before_it_is_iterated) {
  ThreadPoolExecutor pool(2);
  auto first = pool.map(square, std::vector{1, 2});
  auto second = std::move(first);
  EXPECT_THAT(collect(second), ElementsAre(1, 4));
  second = pool.map(square, std::vector{3});
  EXPECT_THAT(collect(second), ElementsAre(9));
}

/// Numbers without end that count how often they were advanced; what comes from outside would block
/// then.
class Ticks {
 public:
  class Iterator {
   public:
    using value_type = int;
    using difference_type = std::ptrdiff_t;

    explicit Iterator(Ticks& ticks) : ticks_(&ticks) {}
    int operator*() const { return ticks_->advanced_; }
    Iterator& operator++() {
      ++ticks_->advanced_;
      return *this;
    }
    void operator++(int) { ++*this; }

   private:
    Ticks* ticks_;
  };

  Iterator begin() { return Iterator(*this); }
  static std::unreachable_sentinel_t end() { return {}; }
  int advanced() const { return advanced_; }

 private:
  int advanced_ = 0;
};

TEST(Map, an_input_is_not_advanced_before_its_next_element_is_wanted) {
  ThreadPoolExecutor pool(1);
  Ticks ticks;
  const auto results = pool.map({.buffersize = 2}, square, ticks);
  EXPECT_EQ(ticks.advanced(), 1);
}

TEST(Map, an_input_that_throws_ends_the_map_behind_what_was_read) {
  ThreadPoolExecutor pool(1);
  const auto failing = std::views::iota(0) | std::views::transform([](int x) {
                         if (x == 2) throw std::out_of_range("the input is broken");
                         return x;
                       });
  EXPECT_THROW_WITH(pool.map({.buffersize = 3}, square, failing), std::out_of_range,
                    "the input is broken");
  auto results = pool.map({.buffersize = 1}, square, failing);
  auto it = results.begin();
  EXPECT_EQ(*it, 0);
  ++it;
  EXPECT_EQ(*it, 1);
  ++it;
  EXPECT_THROW_WITH(*it, std::out_of_range, "the input is broken");
  EXPECT_TRUE(it == results.end());
}

/// Somebody else's executor: all that the concept asks for.
class Foreign {
 public:
  template <class F, class... Args>
  Future<task_result_t<F, Args...>> submit(F&& f, Args&&... args) {
    ++submitted;
    Promise<task_result_t<F, Args...>> promise;
    promise.set_result(std::invoke(std::forward<F>(f), std::forward<Args>(args)...));
    return promise.get_future();
  }
  void shutdown(const ShutdownOptions&) {}
  int max_workers() const { return 1; }

  int submitted = 0;
};
static_assert(Executor<Foreign>);
static_assert(std::is_same_v<submit_result_t<Foreign, decltype(&square), int>, Future<int>>);

TEST(Map, runs_on_an_executor_that_is_not_ours) {
  Foreign foreign;
  EXPECT_THAT(collect(map(foreign, square, std::vector{1, 2, 3})), ElementsAre(1, 4, 9));
  EXPECT_EQ(foreign.submitted, 1);
  EXPECT_THAT(collect(map(foreign, {.chunksize = 3}, square, std::vector{1, 2, 3})),
              ElementsAre(1, 4, 9));
  EXPECT_EQ(foreign.submitted, 2);
}

TEST(Map, MAP_25_the_free_functions_run_on_an_executor_that_is_not_ours) {
  Foreign foreign;
  EXPECT_THAT(collect(map_unordered(foreign, square, std::vector{1, 2, 3})), ElementsAre(1, 4, 9));
  EXPECT_THAT(collect(map_unordered(foreign, {.buffersize = 1}, square, std::list{1, 2, 3})),
              ElementsAre(1, 4, 9));
  const std::vector<std::pair<int, int>> rows{{1, 2}, {3, 4}};
  EXPECT_THAT(collect(starmap(foreign, add, rows)), ElementsAre(3, 7));
}

}  // namespace
}  // namespace poolmark::test
