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
  // Long enough that one end is still awake when the other has been woken (13 to 25 us a wake) and
  // has done a short task: shorter, and both fall asleep just before the other's news, every time.
  static constexpr std::chrono::microseconds kDefault{50};
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
