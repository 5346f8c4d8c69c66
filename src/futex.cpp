#include "poolmark/detail/futex.hpp"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <sched.h>
#include <cerrno>
#include <ctime>

#include "poolmark/detail/spin.hpp"

namespace poolmark::detail {
namespace {

int operation(int op, FutexScope scope) noexcept {
  return scope == FutexScope::kPrivate ? op | FUTEX_PRIVATE_FLAG : op;
}

timespec to_timespec(std::chrono::steady_clock::time_point when) noexcept {
  using std::chrono::seconds;
  const auto since_boot = when.time_since_epoch();
  const auto whole = std::chrono::floor<seconds>(since_boot);
  timespec spec{};
  spec.tv_sec = static_cast<time_t>(whole.count());
  spec.tv_nsec = static_cast<long>((since_boot - whole).count());
  return spec;
}

}  // namespace

bool futex_wait(const std::atomic<std::uint32_t>& word, std::uint32_t expected,
                const Deadline& deadline, FutexScope scope) noexcept {
  // A deadline that has passed would still cost a sleep of the kernel's timer slack, 50 us and
  // more, and polling with a timeout of zero is common.
  if (deadline && std::chrono::steady_clock::now() >= *deadline) return false;
  timespec until{};
  if (deadline) until = to_timespec(*deadline);
  // BITSET because only it takes an absolute deadline, on the clock of std::chrono::steady_clock.
  const long result = syscall(SYS_futex, &word, operation(FUTEX_WAIT_BITSET, scope), expected,
                              deadline ? &until : nullptr, nullptr, FUTEX_BITSET_MATCH_ANY);
  return result == 0 || errno != ETIMEDOUT;
}

void futex_wake(const std::atomic<std::uint32_t>* word, int count, FutexScope scope) noexcept {
  syscall(SYS_futex, word, operation(FUTEX_WAKE, scope), count, nullptr, nullptr, 0);
}

void FutexMutex::lock_contended() noexcept {
  // A holder that runs is gone within some tens of nanoseconds, and often takes the lock again at
  // once. Every look costs it the cache line, so each comes later than the one before: about three
  // microseconds in all, no more than a sleep costs.
  constexpr int kMostPauses = 128;
  if (spinning_helps()) {
    for (int pauses = 1; pauses <= kMostPauses; pauses *= 2) {
      for (int i = 0; i < pauses; ++i) cpu_pause();
      if (pauses > 8) sched_yield();
      // Relaxed: only a look; try_lock() acquires.
      if (word_.load(std::memory_order_relaxed) == kFree && try_lock()) return;
    }
  }
  // Acquire, as in try_lock(). From here on the word says that somebody sleeps, until it is free.
  while (word_.exchange(kContended, std::memory_order_acquire) != kFree) {
    futex_wait(word_, kContended, std::nullopt);
  }
}

}  // namespace poolmark::detail
