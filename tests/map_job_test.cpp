#include <pthread.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <deque>
#include <limits>
#include <memory>
#include <numeric>
#include <ranges>
#include <string_view>

#include "executors.hpp"
#include "map_tasks.hpp"

// map() as one job that all workers of a thread pool share: what runs, where, and what comes of it.
// How it ends early is in map_job_ending_test.cpp.
namespace poolmark::test {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;

struct Sharing {
  int workers;
  std::optional<int> chunksize;
};

class MapSharing : public ::testing::TestWithParam<Sharing> {};
std::string name_of(const ::testing::TestParamInfo<Sharing>& sharing) {
  const std::optional<int> chunk = sharing.param.chunksize;
  return std::to_string(sharing.param.workers) + "_workers_" +
         (chunk ? "chunks_of_" + std::to_string(*chunk) : "by_time");
}
INSTANTIATE_TEST_SUITE_P(By, MapSharing,
                         ::testing::Values(Sharing{2, {}}, Sharing{8, {}}, Sharing{2, 1},
                                           Sharing{8, 1}, Sharing{2, 7}, Sharing{8, 7}),
                         name_of);

TEST_P(MapSharing, runs_every_element_once) {
  constexpr int kElements = 20'000;
  ThreadPoolExecutor pool(GetParam().workers);
  for (int round = 0; round < 10; ++round) {
    std::vector<std::atomic<int>> runs(kElements);
    const auto count = [&runs](int x) {
      ++runs[static_cast<std::size_t>(x)];
      return x;
    };
    std::vector<int> expected(kElements);
    std::iota(expected.begin(), expected.end(), 0);
    const auto results = collect(
        pool.map({.chunksize = GetParam().chunksize}, count, std::views::iota(0, kElements)));
    ASSERT_EQ(results, expected);
    ASSERT_TRUE(std::ranges::all_of(runs, [](const auto& n) { return n == 1; }));
  }
}

TEST_P(MapSharing, MAP_25_yields_every_element_once_as_they_are_done) {
  constexpr std::size_t kElements = 20'000;
  ThreadPoolExecutor pool(GetParam().workers);
  const auto same = [](std::size_t x) { return x; };
  for (int round = 0; round < 10; ++round) {
    std::vector<int> yielded(kElements);
    for (const std::size_t x : pool.map_unordered({.chunksize = GetParam().chunksize}, same,
                                                  std::views::iota(std::size_t{0}, kElements))) {
      ++yielded[x];
    }
    ASSERT_THAT(yielded, Each(1));
  }
}

TEST_P(MapSharing, tells_every_error_at_its_element) {
  constexpr int kElements = 5'000;
  ThreadPoolExecutor pool(GetParam().workers);
  const auto fail_sometimes = [](int x) {
    if (x % 7 == 0 || x % 1000 > 900) throw_out_of_range(x);
    return std::to_string(x);
  };
  auto results =
      pool.map({.chunksize = GetParam().chunksize}, fail_sometimes, std::views::iota(0, kElements));
  int x = 0;
  for (auto it = results.begin(); it != results.end(); ++it, ++x) {
    std::string told;
    try {
      told = *it;
    } catch (const std::out_of_range& error) {
      told = error.what();
    }
    const bool fails = x % 7 == 0 || x % 1000 > 900;
    ASSERT_EQ(told, (fails ? "no element " : "") + std::to_string(x));
  }
  EXPECT_EQ(x, kElements);
}

TEST(MapJob, elements_of_a_pair_may_wait_for_each_other) {
  constexpr int kElements = 32;
  ThreadPoolExecutor pool(2);
  std::array<Event, kElements> begun;
  const auto meet = [&begun](int x) {
    begun[static_cast<std::size_t>(x)].set();
    begun[static_cast<std::size_t>(x ^ 1)].wait();
    return x;
  };
  EXPECT_EQ(collect(pool.map(meet, std::views::iota(0, kElements))).size(), 32U);
}

TEST(MapJob, elements_are_claimed_alone_as_long_as_an_earlier_one_runs) {
  ThreadPoolExecutor pool(2);
  Event first_may_end;
  Event next_has_run;
  // 0 holds one worker. The other one has come past many short elements when it comes to 50, which
  // waits for the one behind it.
  const auto wait_for_others = [&](int x) {
    if (x == 0) first_may_end.wait();
    if (x == 50) {
      first_may_end.set();
      next_has_run.wait();
    }
    if (x == 51) next_has_run.set();
    return x;
  };
  EXPECT_EQ(collect(pool.map(wait_for_others, std::views::iota(0, 1000))).size(), 1000U);
}

TEST(MapJob, a_chunksize_of_one_lets_elements_behind_many_short_ones_wait) {
  ThreadPoolExecutor pool(2);
  Event next_has_run;
  const auto wait_for_next = [&](int x) {
    if (x == 9'000) next_has_run.wait();
    if (x == 9'001) next_has_run.set();
    return x;
  };
  const auto results =
      collect(pool.map({.chunksize = 1}, wait_for_next, std::views::iota(0, 10'000)));
  EXPECT_EQ(results.size(), 10'000U);
}

TEST(MapJob, a_result_is_told_though_the_worker_goes_on) {
  ThreadPoolExecutor pool(1);
  // Each element waits until the one before has been read.
  std::deque<Event> read(51);
  const auto wait_for_reader = [&read](int x) {
    if (x > 0) read[static_cast<std::size_t>(x)].wait();
    return x;
  };
  int next = 0;
  for (const int x : pool.map({.chunksize = 1}, wait_for_reader, std::views::iota(0, 50))) {
    EXPECT_EQ(x, next++);
    read[static_cast<std::size_t>(next)].set();
  }
  EXPECT_EQ(next, 50);
}

TEST(MapJob, one_element_and_none) {
  ThreadPoolExecutor pool(2);
  EXPECT_THAT(collect(pool.map(square, std::vector{7})), ElementsAre(49));
  EXPECT_THAT(collect(pool.map({.chunksize = 100}, square, std::vector{7})), ElementsAre(49));
  EXPECT_TRUE(collect(pool.map(square, std::vector<int>{})).empty());
}

TEST(MapJob, results_may_be_larger_than_a_cache_line) {
  struct alignas(128) Large {
    std::array<int, 50> numbers;
  };
  ThreadPoolExecutor pool(2);
  const auto fill = [](int x) {
    Large large;
    large.numbers.fill(x);
    return large;
  };
  int next = 0;
  for (const Large& large : pool.map(fill, std::views::iota(0, 3000))) {
    ASSERT_EQ(reinterpret_cast<std::uintptr_t>(&large) % alignof(Large), 0U);
    ASSERT_THAT(large.numbers, Each(next));
    ++next;
  }
  EXPECT_EQ(next, 3000);
}

TEST(MapJob, results_may_only_move) {
  ThreadPoolExecutor pool(2);
  int next = 0;
  for (auto&& owned :
       pool.map([](int x) { return std::make_unique<int>(x); }, std::views::iota(0, 3000))) {
    const std::unique_ptr<int> taken = std::move(owned);
    ASSERT_EQ(*taken, next++);
  }
  EXPECT_EQ(next, 3000);
}

TEST(MapJob, results_may_point_into_a_range_that_was_handed_over) {
  ThreadPoolExecutor pool(2);
  auto results = pool.map([](const std::string& word) { return std::string_view(word); },
                          std::vector<std::string>(3, "a string that is long enough for the heap"));
  pool.shutdown();  // all have run, and the range is there still
  EXPECT_THAT(collect(results), Each("a string that is long enough for the heap"));
}

TEST(MapJob, an_element_that_ends_its_thread_fails_the_rest_of_its_chunk) {
  ThreadPoolExecutor pool(1);
  const auto end_thread = [](int x) {
    if (x == 6 || x == 10) pthread_exit(nullptr);
    return x;
  };
  auto results = pool.map({.chunksize = 5}, end_thread, std::views::iota(0, 20));
  int x = 0;
  for (auto it = results.begin(); it != results.end(); ++it, ++x) {
    if (x >= 6 && x < 15) {
      EXPECT_THROW_WITH(*it, Error, "the thread that ran the task was ended") << x;
    } else {
      EXPECT_EQ(*it, x);
    }
  }
  EXPECT_EQ(x, 20);
}

TEST(MapJob, a_thread_that_ends_when_no_other_may_start_fails_the_rest) {
  ThreadPoolExecutor pool(1);
  Event may_end;
  auto results = pool.map(
      [&may_end](int) {
        may_end.wait();
        pthread_exit(nullptr);
        return 0;
      },
      std::views::iota(0, 5));
  pool.shutdown({.wait = false});
  may_end.set();
  int failed = 0;
  for (auto it = results.begin(); it != results.end(); ++it, ++failed) {
    EXPECT_THROW_WITH(*it, Error, "the thread that ran the task was ended");
  }
  EXPECT_EQ(failed, 5);
}

TEST(MapJob, a_map_in_a_worker_uses_the_others) {
  ThreadPoolExecutor pool(2);
  const auto sum = [&pool] {
    int total = 0;
    for (const int x : pool.map(square, std::vector{1, 2, 3})) total += x;
    return total;
  };
  EXPECT_EQ(pool.submit(sum).result(), 14);
}

TEST(MapJob, too_many_elements_are_refused_by_the_call) {
  ThreadPoolExecutor pool(2);
  const auto many = std::views::iota(0LL, std::numeric_limits<long long>::max());
  const auto map = [&] { return pool.map([](long long x) { return x; }, many); };
  EXPECT_THROW(map(), std::bad_alloc);
}

/// Accepts calls and loses them.
class Forgetful {
 public:
  template <class F, class... Args>
  Future<task_result_t<F, Args...>> submit(F&&, Args&&...) {
    return Promise<task_result_t<F, Args...>>().get_future();
  }
  void shutdown(const ShutdownOptions&) {}
  int max_workers() const { return 4; }
};
static_assert(Executor<Forgetful>);

TEST(MapJob, an_executor_that_fails_its_tasks_fails_every_element) {
  Forgetful forgetful;
  auto results = map(forgetful, square, std::vector{1, 2, 3});
  int failed = 0;
  for (auto it = results.begin(); it != results.end(); ++it, ++failed) {
    EXPECT_THROW(*it, BrokenExecutor);
  }
  EXPECT_EQ(failed, 3);
}

}  // namespace
}  // namespace poolmark::test
