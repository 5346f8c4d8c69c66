#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <limits>
#include <optional>

namespace poolmark::detail {

/// How many elements of a map go to a worker process in one task, by the time that those before
/// took.
///
/// Elements may wait for one another, and two of them in one task would wait for ever. What waits
/// for another process takes a wake of the system's at least, so elements that take as long go one
/// by one; they lose little by it.
class ChunkPace {
 public:
  explicit ChunkPace(int workers) noexcept : workers_(static_cast<std::size_t>(workers)) {}

  /// `left` is how many elements there still are, where that is known.
  std::size_t next_size(std::optional<std::size_t> left) const noexcept {
    return std::max(std::min(next_, share_of(left)), std::size_t{1});
  }

  /// Whether the next task would be larger if more were known of those that are under way, so many
  /// of which have not told yet: then a moment's wait saves many small tasks.
  bool is_groping(std::size_t untold, std::optional<std::size_t> left) const noexcept {
    if (untold < kAhead * workers_ || is_long()) return false;
    return time_of_one_ <= 0 || next_ < std::min(fitting(kEnough), share_of(left));
  }

  /// What a task of so many elements has told. Asks for at most a few times as many: it may have
  /// been of the easy ones.
  void learn(std::size_t size, std::chrono::nanoseconds run_time) noexcept {
    const auto nanoseconds = static_cast<double>(std::max(run_time.count(), std::int64_t{1}));
    time_of_one_ = nanoseconds / static_cast<double>(size);
    if (is_long()) {
      next_ = 1;
    } else {
      next_ = std::clamp(fitting(kEnough), std::size_t{1}, std::max(next_, kGrowth * size));
    }
  }

 private:
  using Nanoseconds = std::chrono::nanoseconds;

  bool is_long() const noexcept { return time_of_one_ > static_cast<double>(kLongElement.count()); }

  /// A quarter of an even share, so that the last ones do not leave all but one worker idle. But a
  /// rest that is worth so little is not cut any finer.
  std::size_t share_of(std::optional<std::size_t> left) const noexcept {
    if (!left) return std::numeric_limits<std::size_t>::max();
    return std::max(*left / (4 * workers_), fitting(kLeast));
  }

  std::size_t fitting(Nanoseconds into) const noexcept {
    if (time_of_one_ <= 0) return 1;
    return static_cast<std::size_t>(static_cast<double>(into.count()) / time_of_one_);
  }

  // A task costs half a microsecond to send and collect, so longer elements lose little by going
  // one by one. A wake of a sleeping process takes 13 us and more.
  static constexpr Nanoseconds kLongElement{10'000};
  // Work in one task: two hundred times what the task costs, and little enough to wait for.
  static constexpr Nanoseconds kEnough{100'000};
  // Less work than this is not divided any more.
  static constexpr Nanoseconds kLeast{10'000};
  static constexpr std::size_t kGrowth = 8;
  // While a worker is at one task it has the next.
  static constexpr std::size_t kAhead = 2;

  std::size_t workers_;
  std::size_t next_ = 1;
  double time_of_one_ = 0;  // nanoseconds, of the last task; 0: nothing is known
};

}  // namespace poolmark::detail
