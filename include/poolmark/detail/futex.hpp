#pragma once

#include <atomic>
#include <chrono>
#include <climits>
#include <cmath>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <type_traits>

// The one place that sleeps. A raw futex rather than the standard's waiting primitives: it takes an
// absolute deadline, works between processes, and costs four bytes.
namespace poolmark::detail {

/// When a wait gives up; none means never.
using Deadline = std::optional<std::chrono::steady_clock::time_point>;

/// Who sleeps on a futex word: threads of this process, or other processes that map the word too.
enum class FutexScope { kPrivate, kShared };

/// Sleeps while `word` equals `expected`. False when the deadline passed first; true otherwise,
/// and then possibly for no reason: the caller looks again.
bool futex_wait(const std::atomic<std::uint32_t>& word, std::uint32_t expected,
                const Deadline& deadline, FutexScope scope = FutexScope::kPrivate) noexcept;

/// Wakes up to `count` sleepers. The word may already be gone: a wake on a dead address is
/// harmless.
void futex_wake(const std::atomic<std::uint32_t>* word, int count,
                FutexScope scope = FutexScope::kPrivate) noexcept;

constexpr int kWakeAll = INT_MAX;

/// `limit` in the clock's own unit, rounded up; none if it is too long for the clock, which is to
/// say for ever. A NaN throws std::invalid_argument.
template <class Rep, class Period>
std::optional<std::chrono::nanoseconds> checked_limit(std::chrono::duration<Rep, Period> limit) {
  if constexpr (std::is_floating_point_v<Rep>) {
    if (std::isnan(limit.count())) {
      throw std::invalid_argument("the timeout is NaN: give a duration, or none to wait for ever");
    }
  }
  // Half the clock's range: a century and more, and the sum with now cannot overflow.
  constexpr auto kForEver = std::chrono::duration<double>(std::chrono::nanoseconds::max() / 2);
  const auto seconds = std::chrono::duration<double>(limit);
  if (seconds >= kForEver) return std::nullopt;
  if (seconds <= -kForEver) return std::chrono::nanoseconds(-1);
  return std::chrono::ceil<std::chrono::nanoseconds>(limit);
}

/// The deadline `timeout` from now; none if the timeout is for ever. See checked_limit().
template <class Rep, class Period>
Deadline deadline_after(std::chrono::duration<Rep, Period> timeout) {
  const auto limit = checked_limit(timeout);
  if (!limit) return std::nullopt;
  return std::chrono::steady_clock::now() + *limit;
}

/// A lock of four bytes for critical sections of a few instructions that never run user code.
/// Sleeps when contended for more than a moment, so a preempted holder costs the others no CPU.
class FutexMutex {
 public:
  void lock() noexcept {
    if (!try_lock()) lock_contended();
  }

  bool try_lock() noexcept {
    std::uint32_t seen = kFree;
    // Acquire: sees all that the last holder wrote.
    return word_.compare_exchange_strong(seen, kHeld, std::memory_order_acquire,
                                         std::memory_order_relaxed);
  }

  void unlock() noexcept {
    // Release: publishes what was written under the lock to the next holder.
    if (word_.exchange(kFree, std::memory_order_release) == kContended) futex_wake(&word_, 1);
  }

 private:
  void lock_contended() noexcept;

  static constexpr std::uint32_t kFree = 0;
  static constexpr std::uint32_t kHeld = 1;       // and nobody waits
  static constexpr std::uint32_t kContended = 2;  // and somebody may sleep: unlock wakes

  std::atomic<std::uint32_t> word_{kFree};
};

}  // namespace poolmark::detail
