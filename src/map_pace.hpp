#pragma once

#include <chrono>
#include <cstddef>

namespace poolmark::detail {

/// How many elements a runner of a map claims at once, by the time that they take. One runner's
/// own.
///
/// Elements may wait for one another (a rendezvous), and two of them in one claim would wait for
/// ever. Those that wait take long, so only elements that take very little are claimed together.
class MapPace {
 public:
  /// So many, or the fewer that leave the other runners work.
  std::size_t next_size(std::size_t unclaimed, std::size_t runners) const noexcept;

  void begin(std::size_t size) noexcept;
  /// True if an element took long: longer than claiming it alone costs.
  bool end() noexcept;

  /// Whether claims as large as the last one cost too much.
  bool wants_more() const noexcept { return !was_long_ && took_ < kShort; }
  /// Whether so few elements have been seen yet that they may still turn out to wait for others.
  bool is_cautious() const noexcept { return size_ < kEvidence; }
  void grow() noexcept;

 private:
  using Clock = std::chrono::steady_clock;
  using Nanoseconds = std::chrono::nanoseconds;

  /// How many elements like those of the last claim do that.
  std::size_t fitting(Nanoseconds into) const noexcept;

  // Claiming an element alone costs 0.08 us (map of 100 000 increments with chunksize 1), so those
  // that take longer than this lose little. Whatever waits for another thread through the kernel
  // takes longer, even if it finds that it need not sleep.
  static constexpr Nanoseconds kLongElement{500};
  // Claims shorter than this are worth making larger,
  static constexpr Nanoseconds kShort{10'000};
  // and this is enough: the reader, too, waits for the end of a claim.
  static constexpr Nanoseconds kEnough{20'000};
  // Less work is not shared out any more: waking the reader for a piece costs more.
  static constexpr Nanoseconds kLeast{5'000};
  // Claims smaller than this grow only with the others' consent.
  static constexpr std::size_t kEvidence = 16;
  static constexpr std::size_t kMost = std::size_t{1} << 30;

  std::size_t next_ = 1;
  std::size_t size_ = 0;  // of the last claim
  Nanoseconds took_{0};
  bool was_long_ = false;
  Clock::time_point begun_{};
};

}  // namespace poolmark::detail
