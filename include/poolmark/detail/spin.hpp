#pragma once

#include <chrono>
#include <cstddef>

// Waiting awake for a moment, before a thread pays for falling asleep and another one for waking
// it. Always bounded; never where there is one CPU, because what is waited for could not happen.
namespace poolmark::detail {

inline void cpu_pause() noexcept {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

/// Asks for a cache line that this thread is going to write to, so that it need not wait for it.
inline void prefetch_for_writing(const void* address) noexcept {
#if defined(__x86_64__)
  // The builtin asks for a shared copy unless the compiler may assume a newer processor; where the
  // instruction is not known it does nothing.
  asm volatile("prefetchw (%0)" : : "r"(address));
#else
  __builtin_prefetch(address, 1);
#endif
}

/// Whether another thread can run while this one spins: more than one usable CPU, as of the first
/// call.
bool spinning_helps() noexcept;

/// Whether there is a CPU to spin on beside `others` that are at work.
bool spinning_helps_beside(std::size_t others) noexcept;

/// Lets another thread run on this core, if one wants to. False if it is time to sleep instead:
/// somebody computes there, now or a moment ago, and keeps the core for a time slice of some
/// milliseconds each time, while a thread that sleeps is given it as soon as it is woken.
bool offer_core() noexcept;

/// Looks until `ready()`; false if that did not come within `at_most`. Some looks cost no more than
/// a clock would, so there are always some, unless there is one CPU.
///
/// Between later looks the thread offers its core to others: the kernel likes to put a woken thread
/// on the core of the one that woke it, and who spins there keeps off the very thread it waits for.
template <class Ready>
bool spin_until(Ready ready, std::chrono::nanoseconds at_most) noexcept {
  using Clock = std::chrono::steady_clock;
  constexpr int kLooksBeforeYield = 6;
  constexpr int kMostPauses = 8;
  if (ready()) return true;
  if (!spinning_helps()) return false;
  // One to two microseconds: a short task and its ways between cores. Every look takes the cache
  // line away from the thread that is about to write to it, so there are few, and fewer and fewer:
  // four pauses apart a round trip costs 0.37 us, one pause apart 0.45.
  int pauses = 4;
  for (int look = 1; look <= kLooksBeforeYield; ++look) {
    for (int i = 0; i < pauses; ++i) cpu_pause();
    if (ready()) return true;
    if (look % 3 == 0 && pauses < kMostPauses) pauses *= 2;
  }
  const auto end = Clock::now() + at_most;
  do {
    const bool goes_on = offer_core();
    if (ready()) return true;
    if (!goes_on) return false;
  } while (Clock::now() < end);
  return false;
}

/// A microsecond of looks close together, at a word that the other side writes once. Not for one
/// that it works on: every look takes the cache line away from it.
template <class Ready>
bool look_quickly(Ready ready) noexcept {
  constexpr int kLooks = 24;
  if (ready()) return true;
  if (!spinning_helps()) return false;
  for (int look = 0; look < kLooks; ++look) {
    cpu_pause();
    if (ready()) return true;
  }
  return false;
}

/// How long a thread should spin, learned from how its last waits went: after short ones long
/// enough to see the next end, after long ones next to nothing.
class SpinBudget {
 public:
  std::chrono::nanoseconds now() const noexcept { return budget_; }

  /// Tells how long a wait took in all.
  void learn(std::chrono::nanoseconds waited) noexcept {
    if (waited <= kWorthIt) {
      budget_ = kMost;
    } else {
      budget_ = budget_ / 2 > kLeast ? budget_ / 2 : kLeast;
    }
  }

 private:
  // Covers the wake of a sleeping core (13 to 25 us) and a short task behind it.
  static constexpr std::chrono::nanoseconds kMost{50'000};
  // A wait that spinning to the full would have spared both ends a sleep and a wake.
  static constexpr std::chrono::nanoseconds kWorthIt{75'000};
  // Costs a tenth of falling asleep, and sees when tasks have become short again.
  static constexpr std::chrono::nanoseconds kLeast{1'000};

  std::chrono::nanoseconds budget_ = kMost;
};

}  // namespace poolmark::detail
