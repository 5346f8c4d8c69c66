#include "poolmark/detail/wake_moderation.hpp"

#include <algorithm>
#include <thread>
#include <utility>

namespace poolmark::detail {
namespace {

// What a reader may lose by a rest: a part of the time that it has been reading.
constexpr long kPartOfStream = 4;
// By so much the system may wake a thread late, unless the program has asked for better.
constexpr std::chrono::microseconds kTimerSlack{50};
// To fall asleep and be woken takes as long.
constexpr std::chrono::microseconds kShortest{10};

}  // namespace

bool WakeModeration::let_results_gather(std::size_t outstanding, const Deadline& deadline) {
  const auto now = Clock::now();
  const Nanoseconds gathering = rest(now, outstanding);
  if (gathering == Nanoseconds(0)) return false;
  std::this_thread::sleep_until(deadline ? std::min(*deadline, now + gathering) : now + gathering);
  return true;
}

WakeModeration::Nanoseconds WakeModeration::rest(Clock::time_point now,
                                                 std::size_t outstanding) noexcept {
  note_nothing_to_take(now);
  if (!is_quick()) return Nanoseconds(0);
  const auto longest = static_cast<std::size_t>(kLongest.count());  // of an interval of 1 ns
  return rest_within(interval_ * static_cast<long>(std::min(outstanding / 2, longest)));
}

WakeModeration::Nanoseconds WakeModeration::rest_within(Clock::time_point now,
                                                        Nanoseconds limit) noexcept {
  note_nothing_to_take(now);
  return rest_within(limit);
}

void WakeModeration::note_nothing_to_take(Clock::time_point now) noexcept {
  const std::size_t taken = std::max(std::exchange(taken_, 0), std::size_t{1});
  const Nanoseconds mean = (now - last_) / static_cast<long>(taken);
  // Smoothed: two workers in step bring two results at once, and then none for two intervals.
  interval_ = is_quick() ? (interval_ + mean) / 2 : mean;
  last_ = now;
  if (!is_quick()) began_ = now;
}

WakeModeration::Nanoseconds WakeModeration::rest_within(Nanoseconds limit) const noexcept {
  const Nanoseconds stream = last_ - began_;
  const Nanoseconds most = std::min({limit, kLongest, stream / kPartOfStream});
  if (most < kTimerSlack + kShortest || most / kWorthResting < interval_) return Nanoseconds(0);
  return most - kTimerSlack;
}

}  // namespace poolmark::detail
