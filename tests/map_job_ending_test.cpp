#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <list>
#include <memory>
#include <numeric>
#include <ranges>
#include <type_traits>
#include <utility>
#include <vector>

#include "executors.hpp"
#include "map_tasks.hpp"

// How a map that the workers of a thread pool share ends before its input does, and who destroys
// what.
namespace poolmark::test {
namespace {

constexpr int kElements = 100'000;
constexpr int kHeldFrom = 1'000;
// What two workers may have begun behind the first element that was held: one each, and what they
// run before they look again.
constexpr int kMostBegun = kHeldFrom + 100;

std::vector<int> numbers() {
  std::vector<int> numbers(kElements);
  std::iota(numbers.begin(), numbers.end(), 0);
  return numbers;
}

/// Runs up to a point, and holds the workers there.
class Held {
 public:
  auto function() {
    return [this](int x) {
      if (x >= kHeldFrom) may_end_.wait();
      ++begun_;
      return x;
    };
  }
  void release() { may_end_.set(); }
  int begun() const { return begun_; }

 private:
  Event may_end_;
  std::atomic<int> begun_{0};
};

TEST(MapJobEnding, closing_in_the_middle_leaves_the_rest_alone) {
  ThreadPoolExecutor pool(2);
  const std::vector<int> input = numbers();
  Held held;
  {
    auto results = pool.map(held.function(), input);
    auto it = results.begin();
    for (int x = 0; x < 10; ++x, ++it) EXPECT_EQ(*it, x);
    results.close();
    EXPECT_TRUE(it == results.end());
    held.release();
  }
  // The destructor has waited for the calls that ran, which read the caller's range.
  const int begun = held.begun();
  EXPECT_LE(begun, kMostBegun);
  pool.shutdown();
  EXPECT_EQ(held.begun(), begun);
}

TEST(MapJobEnding, dropping_in_the_middle_leaves_the_rest_alone) {
  ThreadPoolExecutor pool(2);
  Held held;
  {
    auto results = pool.map(held.function(), numbers());
    EXPECT_EQ(*results.begin(), 0);
  }
  held.release();
  pool.shutdown();
  EXPECT_LE(held.begun(), kMostBegun);
}

/// Accepts calls and begins none.
class Hesitant {
 public:
  template <class F, class... Args>
  Future<task_result_t<F, Args...>> submit(F&& call, Args&&...) {
    const auto promise = std::make_shared<Promise<task_result_t<F, Args...>>>();
    kept_.push_back(promise);
    kept_.push_back(std::make_shared<std::decay_t<F>>(std::forward<F>(call)));
    calls_.push_back(promise->get_future());
    return promise->get_future();
  }
  void shutdown(const ShutdownOptions&) {}
  int max_workers() const { return 4; }
  const std::vector<AnyFuture>& calls() const { return calls_; }

 private:
  std::vector<std::shared_ptr<void>> kept_;
  std::vector<AnyFuture> calls_;
};
static_assert(Executor<Hesitant>);

TEST(MapJobEnding, MAP_12_calls_that_have_not_begun_are_cancelled_when_it_closes) {
  Hesitant hesitant;
  map(hesitant, square, numbers()).close();
  EXPECT_EQ(hesitant.calls().size(), 4U);
  for (const AnyFuture& call : hesitant.calls()) EXPECT_TRUE(call.cancelled());
}

TEST(MapJobEnding, a_shutdown_that_cancels_tells_so_for_every_element_that_did_not_run) {
  ThreadPoolExecutor pool(2);
  Held held;
  auto results = pool.map(held.function(), std::views::iota(0, kElements));
  auto it = results.begin();
  EXPECT_EQ(*it, 0);
  pool.shutdown({.wait = false, .cancel_futures = true});
  held.release();
  int ran = 0;
  int cancelled = 0;
  for (int x = 0; it != results.end(); ++it, ++x) {
    try {
      ASSERT_EQ(*it, x);
      ++ran;
    } catch (const CancelledError&) {
      ++cancelled;
    }
  }
  EXPECT_EQ(ran + cancelled, kElements);
  EXPECT_EQ(ran, held.begun());
  EXPECT_LE(ran, kMostBegun);
}

/// Holds the worker in the middle of the second chunk of five.
struct HeldAtSeven {
  Event begun;
  Event may_end;

  auto function() {
    return [this](int x) {
      if (x == 7) {
        begun.set();
        may_end.wait();
      }
      return x;
    };
  }
};

TEST(MapJobEnding, a_chunk_that_has_begun_is_run_to_its_end) {
  ThreadPoolExecutor pool(1);
  HeldAtSeven held;
  auto results = pool.map({.chunksize = 5}, held.function(), std::views::iota(0, 20));
  held.begun.wait();
  pool.shutdown({.wait = false, .cancel_futures = true});
  held.may_end.set();
  auto it = results.begin();
  for (int x = 0; x < 10; ++x, ++it) EXPECT_EQ(*it, x);
  for (int x = 10; x < 20; ++x, ++it) EXPECT_THROW(*it, CancelledError);
  EXPECT_TRUE(it == results.end());
}

TEST(MapJobEnding, a_timeout_in_the_middle_says_what_is_missing_and_cancels_it) {
  ThreadPoolExecutor pool(2);
  Held held;
  auto results = pool.map({.timeout = 1ms}, held.function(), std::views::iota(0, kElements));
  std::size_t read = 0;
  auto it = results.begin();
  try {
    for (; it != results.end(); ++it) {
      static_cast<void>(*it);
      ++read;
    }
    ADD_FAILURE() << "no TimeoutError";
  } catch (const TimeoutError& late) {
    EXPECT_EQ(late.total, static_cast<std::size_t>(kElements));
    EXPECT_EQ(late.unfinished, static_cast<std::size_t>(kElements) - read);
  }
  EXPECT_TRUE(it == results.end());
  held.release();
  pool.shutdown();
  EXPECT_LE(held.begun(), kMostBegun);
}

TEST(MapJobEnding, a_timeout_behind_what_was_read_counts_the_rest) {
  ThreadPoolExecutor pool(1);
  HeldAtSeven held;
  auto results =
      pool.map({.timeout = 1ms, .chunksize = 5}, held.function(), std::views::iota(0, 20));
  held.begun.wait();  // the first chunk is done
  auto it = results.begin();
  for (int x = 0; x < 5; ++x, ++it) EXPECT_EQ(*it, x);
  try {
    static_cast<void>(*it);
    ADD_FAILURE() << "no TimeoutError";
  } catch (const TimeoutError& late) {
    EXPECT_EQ(late.unfinished, 15U);
    EXPECT_EQ(late.total, 20U);
  }
  held.may_end.set();
  pool.shutdown();
}

/// Counts how many there are.
class Counted {
 public:
  explicit Counted(std::atomic<int>& alive) : alive_(&alive) { ++alive; }
  Counted(const Counted& other) : alive_(other.alive_) { ++*alive_; }
  Counted& operator=(const Counted&) = default;
  ~Counted() { --*alive_; }

 private:
  std::atomic<int>* alive_;
};

TEST(MapJobEnding, values_are_destroyed_as_they_are_passed) {
  for (const std::optional<int> chunksize : {std::optional<int>{}, std::optional<int>{7}}) {
    std::atomic<int> alive{0};
    ThreadPoolExecutor pool(2);
    const auto make = [&alive](int x) {
      if (x % 10 == 3) throw_out_of_range(x);
      return Counted(alive);
    };
    auto results = pool.map({.chunksize = chunksize}, make, std::views::iota(0, 100));
    pool.shutdown();
    EXPECT_EQ(alive, 90);
    auto it = results.begin();
    int left = 90;
    for (int x = 0; x < 55; ++x, ++it) {
      EXPECT_EQ(alive, left);
      if (x % 10 != 3) --left;
    }
    results.close();
    EXPECT_EQ(alive, 0);
  }
}

TEST(MapJobEnding, MAP_25_values_that_came_out_of_order_are_destroyed_too) {
  for (const std::optional<int> chunksize : {std::optional<int>{}, std::optional<int>{7}}) {
    for (const int read : {0, 10}) {
      std::atomic<int> alive{0};
      std::vector<int> input(1000);
      ThreadPoolExecutor pool(2);
      {
        auto results = pool.map_unordered(
            {.chunksize = chunksize}, [&alive](int) { return Counted(alive); }, input);
        auto it = results.begin();
        for (int i = 0; i < read; ++i) ++it;
      }
      ASSERT_EQ(alive, 0);
    }
  }
}

TEST(MapJobEnding, values_that_nobody_reads_are_destroyed) {
  std::atomic<int> alive{0};
  {
    ThreadPoolExecutor pool(2);
    static_cast<void>(pool.map([&alive](int) { return Counted(alive); }, std::views::iota(0, 100)));
  }
  EXPECT_EQ(alive, 0);
}

TEST(MapJobEnding, the_function_is_gone_with_a_map_that_was_read) {
  ThreadPoolExecutor pool(2);
  for (int round = 0; round < 200; ++round) {
    const auto captured = std::make_shared<int>(1);
    collect(pool.map([captured](int x) { return x + *captured; }, std::views::iota(0, 50)));
    ASSERT_EQ(captured.use_count(), 1);
  }
}

TEST(MapJobEnding, values_are_gone_with_a_map_over_a_callers_range) {
  ThreadPoolExecutor pool(2);
  for (int round = 0; round < 200; ++round) {
    std::atomic<int> alive{0};
    std::vector<int> input(100, round);
    {
      auto results = pool.map([&alive](int) { return Counted(alive); }, input);
      static_cast<void>(*results.begin());
    }
    ASSERT_EQ(alive, 0);
  }
}

TEST(MapJobEnding, a_worker_that_comes_late_finds_nothing_to_do) {
  ThreadPoolExecutor pool(2);
  Event begun;
  Event may_end;
  const auto busy = pool.submit(hold_worker, begun.name(), may_end.name(), 0);
  begun.wait();
  EXPECT_EQ(collect(pool.map(square, std::views::iota(0, 100))), squares_below(100));
  may_end.set();
  EXPECT_EQ(pool.submit(square, 3).result(), 9);
}

TEST(MapJobEnding, in_a_forked_child_nobody_waits_for_a_map_of_the_parent) {
  ThreadPoolExecutor pool(1);
  Event begun;
  Event may_end;
  auto results = std::make_unique<decltype(pool.map(square, std::vector<int>{}))>(pool.map(
      [&](int x) {
        if (x == 1) {
          begun.set();
          may_end.wait();
        }
        return x;
      },
      std::vector{0, 1, 2}));
  begun.wait();
  const pid_t child = fork();
  if (child == 0) {
    auto it = results->begin();
    if (*it != 0) _exit(1);
    ++it;
    try {
      static_cast<void>(*it);
      _exit(2);
    } catch (const DeadlockError&) {
    }
    results.reset();
    _exit(0);
  }
  int status = 0;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
  may_end.set();
  EXPECT_EQ(collect(*results).size(), 3U);
}

TEST(MapEnding, MAP_25_in_a_forked_child_nobody_waits_for_an_unordered_map_of_the_parent) {
  ThreadPoolExecutor pool(1);
  Event begun;
  Event may_end;
  const auto hold_one = [&](int x) {
    if (x == 1) {
      begun.set();
      may_end.wait();
    }
    return x;
  };
  auto results = pool.map_unordered(hold_one, std::list{0, 1, 2});
  auto it = results.begin();
  EXPECT_EQ(*it, 0);
  ++it;
  begun.wait();
  const pid_t child = fork();
  if (child == 0) {
    try {
      static_cast<void>(*it);
      _exit(1);
    } catch (const DeadlockError&) {
      _exit(0);
    }
  }
  int status = 0;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  may_end.set();
  EXPECT_EQ(*it, 1);
}

}  // namespace
}  // namespace poolmark::test
