// limit: what the machine itself takes. No pool that hands a task to another core and takes its
// result back can beat a cache line's round trip, none that sleeps a futex's.

#include <cstdlib>
#include <thread>

#include "overhead/cases.hpp"
#include "overhead/pooled.hpp"
#include "overhead/words.hpp"

namespace bench {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kTrips = 1000;
// Few: where other programs keep the CPUs busy, each trip waits for a time slice.
constexpr int kSpunTrips = 100;
constexpr int kWakes = 200;
constexpr std::size_t kBlock = 128;  // about a task with its future
constexpr std::chrono::microseconds kUntilAsleep{100};

void cache_line_round_trip(Meter& meter) {
  alignas(64) Word word{0};
  constexpr std::uint32_t kEnd = 0xFFFFFFFF;
  note_few_cpus(meter);
  // Answers every odd value with the even one behind it.
  std::jthread partner([&] {
    for (std::uint32_t seen = 0; seen != kEnd; seen = word.load(std::memory_order_acquire)) {
      if (seen % 2 == 1) word.store(seen + 1, std::memory_order_release);
    }
  });
  std::uint32_t sent = 0;
  try {
    while (meter.next()) {
      meter.start();
      for (int i = 0; i < kSpunTrips; ++i, sent += 2) {
        word.store(sent + 1, std::memory_order_release);
        spin_until(word, sent + 2);
      }
      meter.stop();
    }
  } catch (...) {
    word.store(kEnd, std::memory_order_release);
    throw;
  }
  word.store(kEnd, std::memory_order_release);
}

/// What the waker pays: the time of one call that wakes one sleeper.
void futex_wake(Meter& meter) {
  Word word{0};
  std::atomic<bool> ended{false};
  note_few_cpus(meter);
  std::jthread sleeper([&] {
    while (!ended) sleep_while<Between::kThreads>(word, word.load(std::memory_order_acquire) & ~1U);
  });
  const auto wake = [&] {
    std::this_thread::sleep_for(kUntilAsleep);
    word.fetch_add(2, std::memory_order_release);
    const auto begun = Clock::now();
    const long woken = wake_up<Between::kThreads>(word);
    const auto took = Clock::now() - begun;
    if (woken == 1) meter.add(took);
    return woken == 1;
  };
  while (meter.next()) {
    // A sleeper that was not asleep yet has seen the new value by itself: that was no wake.
    int tries = 1;
    while (!wake() && tries < 1000) ++tries;
    check_equal("sleepers found asleep", tries < 1000 ? 1 : 0, 1);
  }
  ended = true;
  word.fetch_add(2, std::memory_order_release);
  wake_up<Between::kThreads>(word);
}

/// There and back between two threads that both sleep while the other one is awake.
void futex_round_trip(Meter& meter) {
  Word there{0};
  Word back{0};
  note_few_cpus(meter);
  constexpr std::uint32_t kEnd = 0xFFFFFFFF;
  std::jthread partner([&] {
    for (std::uint32_t seen = 0;;) {
      sleep_while<Between::kThreads>(there, seen);
      seen = there.load(std::memory_order_acquire);
      if (seen == kEnd) return;
      back.store(seen, std::memory_order_release);
      wake_up<Between::kThreads>(back);
    }
  });
  std::uint32_t sent = 0;
  while (meter.next()) {
    meter.start();
    for (int i = 0; i < kTrips; ++i, ++sent) {
      there.store(sent + 1, std::memory_order_release);
      wake_up<Between::kThreads>(there);
      sleep_while<Between::kThreads>(back, sent);
    }
    meter.stop();
  }
  there.store(kEnd, std::memory_order_release);
  wake_up<Between::kThreads>(there);
  check_equal("the last answer", back.load(), sent);
}

void malloc_free(Meter& meter) {
  while (meter.next()) {
    meter.start();
    for (int i = 0; i < kTrips; ++i) {
      // const: as an operand that is written too, g++ 12 gives the library's asm a stale copy.
      void* const block = std::malloc(kBlock);
      benchmark::DoNotOptimize(block);
      std::free(block);
    }
    meter.stop();
  }
}

}  // namespace

void add_limit_cases(Cases& cases) {
  cases.push_back({.name = case_name("limit/cache_line_round_trip", "hardware", kSpunTrips, 1),
                   .tasks = kSpunTrips,
                   .run = cache_line_round_trip});
  cases.push_back({.name = case_name("limit/futex_wake", "kernel", 1, 1),
                   .tasks = 1,
                   .run = futex_wake,
                   .iterations = kWakes});
  cases.push_back({.name = case_name("limit/futex_round_trip", "kernel", kTrips, 1),
                   .tasks = kTrips,
                   .run = futex_round_trip});
  cases.push_back({.name = case_name("limit/malloc_free", "libc", kTrips, 0),
                   .tasks = kTrips,
                   .run = malloc_free});
}

}  // namespace bench
