#pragma once

#include <chrono>
#include <cstddef>
#include <span>
#include <vector>

/// When the caller of a batch had submitted its tasks, and when it held their results.
namespace poolmark::harness::detail {

using Clock = std::chrono::steady_clock;

/// A reading of the clock costs some 25 ns, and an element of a map may cost 2: of more results
/// than these, only so many are timed.
inline constexpr std::size_t kMostMarks = 100;

/// Which of `count` results are timed, counted from 0: all of up to kMostMarks, of more so many,
/// evenly spaced, the first and the last among them. The results file lists them too, from 1.
std::vector<std::size_t> marks_of(std::size_t count);

/// What the caller saw of one batch, in ns; an element of each vector a mark.
struct BatchView {
  double submit = 0;                // from the first submission to the last, or of the map's start
  std::vector<double> completions;  // from the start of the batch until so many results were held
  std::vector<double> latencies;    // of that result: from its task's submission until it was held
};

/// Records a batch while it runs. Used by one thread.
class BatchTimes {
 public:
  /// Forgets the last batch and makes room for one of `tasks` tasks. Allocates when that is another
  /// number than before; nothing else does.
  void prepare(std::size_t tasks);

  /// The first submission, or the call of map(), comes next.
  void begin() noexcept { begin_ = Clock::now(); }

  /// The task of this number is about to be submitted. To be called for each, in order; not for
  /// map.
  void submitting(std::size_t task) noexcept {
    if (task != marks_[submit_marks_]) return;
    submitted_at_[submit_marks_++] = Clock::now();
  }

  void all_submitted() noexcept { all_submitted_ = Clock::now(); }

  /// The caller has got hold of one result more. `state` tells whose future that was, where results
  /// do not come in the order of the tasks.
  void holding(const void* state = nullptr) noexcept {
    if (held_++ != marks_[held_marks_]) return;
    held_at_[held_marks_] = Clock::now();
    states_[held_marks_++] = state;
  }

  /// Whose results were held at the marks; null where they came in order.
  std::span<const void* const> states() const noexcept { return {states_.data(), held_marks_}; }

  /// `tasks[j]` is the task whose result was held at mark j, for a batch that began at `start`.
  BatchView view(Clock::time_point start, std::span<const std::size_t> tasks) const;
  /// The same for results that came in the order of the tasks.
  BatchView view(Clock::time_point start) const;

 private:
  /// Of a task between two marks it is interpolated: submissions follow each other evenly.
  double submission(Clock::time_point start, std::size_t task) const;

  std::size_t tasks_ = 0;
  std::vector<std::size_t> marks_;  // and one behind them, which no batch reaches
  Clock::time_point begin_;
  Clock::time_point all_submitted_;
  std::vector<Clock::time_point> submitted_at_;
  std::size_t submit_marks_ = 0;
  std::vector<Clock::time_point> held_at_;
  std::vector<const void*> states_;
  std::size_t held_ = 0;
  std::size_t held_marks_ = 0;
};

}  // namespace poolmark::harness::detail
