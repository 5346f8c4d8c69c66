#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <random>
#include <thread>
#include <vector>

#include "event.hpp"
#include "meeting.hpp"
#include "poolmark/thread_pool_executor.hpp"
#include "poolmark/wait.hpp"

// Everything at once, with random pauses, so that workers park, watch and are called at every point
// of each other's way. Runs for two seconds; POOLMARK_STRESS_SECONDS=600 for the whole evening.
namespace poolmark::test {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::microseconds;

Clock::time_point end_of_stress() {
  const char* seconds = std::getenv("POOLMARK_STRESS_SECONDS");
  return Clock::now() + std::chrono::seconds(seconds != nullptr ? std::atoi(seconds) : 2);
}

class Dice {
 public:
  explicit Dice(unsigned seed) : engine_(seed) {}
  int below(int n) { return std::uniform_int_distribution<int>(0, n - 1)(engine_); }
  bool one_in(int n) { return below(n) == 0; }

 private:
  std::minstd_rand engine_;
};

void stay_busy_for(std::chrono::nanoseconds time) {
  const auto end = Clock::now() + time;
  while (Clock::now() < end) {
  }
}

/// Most often nothing; else a moment, or until about the end of a worker's watch (50 us), when it
/// goes to sleep, or long enough for the guard to make its round.
void pause(Dice& dice) {
  if (dice.one_in(3)) {
    stay_busy_for(std::chrono::nanoseconds(dice.below(500)));
  } else if (dice.one_in(10)) {
    stay_busy_for(microseconds(45) + std::chrono::nanoseconds(dice.below(20'000)));
  } else if (dice.one_in(200)) {
    std::this_thread::sleep_for(microseconds(dice.below(3000)));
  }
}

struct Tally {
  std::atomic<long> submitted{0};
  std::atomic<long> ran{0};
  std::atomic<long> cancelled{0};
};

class Stress {
 public:
  Stress(ThreadPoolExecutor& pool, Tally& tally, unsigned seed)
      : pool_(pool), tally_(tally), dice_(seed) {}

  void round() {
    const int tasks = dice_.one_in(10) ? 1 + dice_.below(500) : 1 + dice_.below(5);
    std::vector<Future<int>> futures;
    for (int i = 0; i < tasks; ++i) {
      futures.push_back(submit(i));
      pause(dice_);
    }
    for (auto& future : futures) {
      if (dice_.one_in(5) && future.cancel()) tally_.cancelled.fetch_add(1);
    }
    collect(futures);
  }

 private:
  Future<int> submit(int value) {
    tally_.submitted.fetch_add(1);
    const int kind = dice_.below(100);
    // A task that is long after many short ones, and one that submits another.
    const int busy_us = kind == 0 ? dice_.below(2000) : 0;
    const bool submits = kind == 1;
    return pool_.submit([&pool = pool_, &tally = tally_, value, busy_us, submits] {
      if (busy_us != 0) stay_busy_for(microseconds(busy_us));
      if (submits) submit_another(pool, tally);
      tally.ran.fetch_add(1);
      return value;
    });
  }

  static void submit_another(ThreadPoolExecutor& pool, Tally& tally) {
    try {
      pool.submit([&tally] { tally.ran.fetch_add(1); });
      tally.submitted.fetch_add(1);
    } catch (const ShutdownError&) {
      // The round is over.
    }
  }

  void collect(std::vector<Future<int>>& futures) {
    switch (dice_.below(4)) {
      case 0:
        for (const auto& future : futures) check(future);
        break;
      case 1:
        for (const auto& future : as_completed(futures, {.timeout = kWatchdog})) check(future);
        break;
      case 2: {
        const auto seen = wait(futures, {.timeout = kWatchdog});
        EXPECT_TRUE(seen.not_done.empty()) << "lost: " << seen.not_done.size();
        break;
      }
      default:
        break;  // nobody wants them; the tally finds them
    }
  }

  void check(const Future<int>& future) {
    try {
      EXPECT_GE(future.result(kWatchdog), 0);
    } catch (const CancelledError&) {
    } catch (const TimeoutError&) {
      ADD_FAILURE() << "lost: " << to_string(future);
    }
  }

  ThreadPoolExecutor& pool_;
  Tally& tally_;
  Dice dice_;
};

TEST(ThreadPoolStress, no_task_is_lost_and_no_waiter_hangs) {
  const auto end = end_of_stress();
  unsigned seed = std::random_device{}();
  RecordProperty("seed", std::to_string(seed));
  for (int round = 0; Clock::now() < end && !HasFailure(); ++round) {
    Tally tally;
    {
      ThreadPoolExecutor pool(1 + round % 4);
      std::vector<std::jthread> submitters;
      const auto end_of_round = std::min(end, Clock::now() + std::chrono::milliseconds(200));
      for (int i = 0; i < 1 + round % 3; ++i) {
        submitters.emplace_back([&pool, &tally, end_of_round, mine = seed++] {
          Stress stress(pool, tally, mine);
          while (Clock::now() < end_of_round) stress.round();
        });
      }
    }
    EXPECT_EQ(tally.ran + tally.cancelled, tally.submitted) << "seed " << seed;
  }
}

TEST(ThreadPoolStress, no_worker_sleeps_while_a_task_waits_for_it) {
  const auto end = end_of_stress();
  const unsigned seed = std::random_device{}();
  RecordProperty("seed", std::to_string(seed));
  Dice dice(seed);
  while (Clock::now() < end && !HasFailure()) {
    ThreadPoolExecutor pool(2 + dice.below(15));
    for (int meeting = 0; meeting < 20; ++meeting) {
      // So many short tasks, at times, that the pool relies on one busy worker.
      const int tasks = dice.one_in(3) ? 2000 : dice.below(5);
      for (int i = 0; i < tasks; ++i) {
        pool.submit([i] { return i; });
        if (tasks < 5) pause(dice);
      }
      meet(pool, pool.max_workers());
    }
  }
}

}  // namespace
}  // namespace poolmark::test
