#pragma once

#include <unistd.h>

#include <chrono>

namespace poolmark::detail {

/// A short, bounded wait in a loop, before a thread pays for falling asleep. Where there is one
/// CPU, the other side cannot come forward while this one spins, so the loop ends at once.
class Relax {
 public:
  explicit Relax(std::chrono::nanoseconds at_most = kDefault) noexcept {
    if (has_several_cpus()) end_ = Clock::now() + at_most;
  }

  /// Lets a moment pass; false when it is time to sleep.
  bool once() noexcept {
    for (int i = 0; i < kPausesBetweenLooks; ++i) pause();
    return Clock::now() < end_;
  }

 private:
  using Clock = std::chrono::steady_clock;
  // Falling asleep and being woken costs both sides some 20 us: spinning for about as long at most
  // doubles what a short gap would have cost anyway.
  static constexpr std::chrono::microseconds kDefault{20};
  static constexpr int kPausesBetweenLooks = 8;

  static void pause() noexcept {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    asm volatile("yield");
#endif
  }

  static bool has_several_cpus() noexcept {
    static const bool kSeveral = sysconf(_SC_NPROCESSORS_ONLN) > 1;
    return kSeveral;
  }

  Clock::time_point end_{};
};

}  // namespace poolmark::detail
