#pragma once

#include <chrono>
#include <cstddef>

#include "poolmark/detail/futex.hpp"

namespace poolmark::detail {

/// When a reader of results that come in quick succession should rest for a while and let them
/// gather, as a network card moderates its interrupts.
///
/// To wake a thread for every result takes 10 to 40 us of a core, and where all cores compute, that
/// is time of the tasks: of tasks of 10 us on two cores it took a third. A reader that rests is
/// woken by the clock, once for many. No result waits for its reader longer than a quarter of the
/// time since the stream began, and never longer than kLongest; the first results and the last ones
/// do not wait at all. One reader's own.
class WakeModeration {
 public:
  using Clock = std::chrono::steady_clock;
  using Nanoseconds = std::chrono::nanoseconds;

  static constexpr Nanoseconds kLongest{500'000};

  /// The reader has taken so many results.
  void count(std::size_t taken) noexcept { taken_ += taken; }

  /// For a reader that has nothing to take and expects `outstanding` more: rests, and true; false,
  /// at once, if the next result is worth waking for. Never past the deadline.
  bool let_results_gather(std::size_t outstanding, const Deadline& deadline);

  /// How long such a reader should sleep, whatever comes meanwhile; zero: until the next result.
  /// When half of them have come it is awake again.
  Nanoseconds rest(Clock::time_point now, std::size_t outstanding) noexcept;

  /// The same for one that knows how long its results can wait. Ends within `limit` even if the
  /// system wakes the reader late.
  Nanoseconds rest_within(Clock::time_point now, Nanoseconds limit) noexcept;

 private:
  void note_nothing_to_take(Clock::time_point now) noexcept;
  bool is_quick() const noexcept { return interval_ <= kLongest / kWorthResting; }
  Nanoseconds rest_within(Nanoseconds limit) const noexcept;

  // Fewer results than this are not worth a rest.
  static constexpr long kWorthResting = 4;

  std::size_t taken_ = 0;                      // since last_
  Clock::time_point last_{};                   // when the reader last had nothing to take
  Clock::time_point began_{};                  // when results began to come in quick succession
  Nanoseconds interval_ = Nanoseconds::max();  // between the last ones
};

}  // namespace poolmark::detail
