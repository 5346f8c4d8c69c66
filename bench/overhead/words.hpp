#pragma once

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <ctime>

#include "overhead/meter.hpp"

/// Handing over by one word of memory: what two threads, or two processes that map it, can do
/// without a pool.
namespace bench {

using Word = std::atomic<std::uint32_t>;

/// How long one side waits for the other before it gives up with WrongResult.
inline constexpr std::chrono::seconds kPatience{10};

/// Spins until `word` is `value`, not for ever: on one CPU the other side needs ours.
inline void spin_until(const Word& word, std::uint32_t value) {
  constexpr std::uint64_t kLooks = 1ULL << 16;
  const auto begun = std::chrono::steady_clock::now();
  do {
    for (std::uint64_t look = 0; look < kLooks; ++look) {
      // Acquire: what the other side did before it wrote the value.
      if (word.load(std::memory_order_acquire) == value) return;
    }
  } while (std::chrono::steady_clock::now() - begun < kPatience);
  throw WrongResult("the other side did not answer within 10 s");
}

/// Who sleeps on a word: threads of one process (which is cheaper), or any that maps it.
enum class Between : int { kThreads = FUTEX_PRIVATE_FLAG, kProcesses = 0 };

/// Sleeps while `word` is `value`.
template <Between kBetween>
void sleep_while(const Word& word, std::uint32_t value) {
  constexpr timespec kTimeout{.tv_sec = kPatience.count(), .tv_nsec = 0};
  constexpr int kWait = FUTEX_WAIT | static_cast<int>(kBetween);
  // Acquire: what the other side did before it wrote the value.
  while (word.load(std::memory_order_acquire) == value) {
    if (syscall(SYS_futex, &word, kWait, value, &kTimeout, nullptr, 0) != 0 && errno == ETIMEDOUT) {
      throw WrongResult("the other side did not answer within 10 s");
    }
  }
}

/// The same without an end, for partners: what measures may be stopped for longer than it has
/// patience, and kills them when it leaves.
template <Between kBetween>
void sleep_long_while(const Word& word, std::uint32_t value) {
  constexpr int kWait = FUTEX_WAIT | static_cast<int>(kBetween);
  while (word.load(std::memory_order_acquire) == value) {
    syscall(SYS_futex, &word, kWait, value, nullptr, nullptr, 0);
  }
}

/// Wakes up to `count` sleepers; how many it woke.
template <Between kBetween>
long wake_up(const Word& word, int count = 1) {
  constexpr int kWake = FUTEX_WAKE | static_cast<int>(kBetween);
  return syscall(SYS_futex, &word, kWake, count, nullptr, nullptr, 0);
}

}  // namespace bench
