#include "poolmark/detail/spin.hpp"

#include <sched.h>

#include <chrono>

#include "poolmark/executor.hpp"

namespace poolmark::detail {

bool offer_core() noexcept {
  using Clock = std::chrono::steady_clock;
  // The thread that is waited for, and shares the core, is done with a short task by then.
  constexpr std::chrono::microseconds kCrowded{100};
  // One slice lost in so long a time is a few per cent.
  constexpr std::chrono::milliseconds kTriedAgainAfter{50};
  thread_local Clock::time_point next_try{};
  const auto before = Clock::now();
  if (before < next_try) return false;
  sched_yield();
  const auto after = Clock::now();
  if (after - before < kCrowded) return true;
  next_try = after + kTriedAgainAfter;
  return false;
}

bool spinning_helps() noexcept { return spinning_helps_beside(1); }

bool spinning_helps_beside(std::size_t others) noexcept {
  static const std::size_t kCpus = [] {
    try {
      return static_cast<std::size_t>(usable_cpus());
    } catch (...) {
      return std::size_t{1};  // no memory to find out: sleep
    }
  }();
  return others < kCpus;
}

}  // namespace poolmark::detail
