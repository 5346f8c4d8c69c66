#include "poolmark/harness/detail/batch_times.hpp"

#include <algorithm>
#include <limits>

namespace poolmark::harness::detail {
namespace {

constexpr std::size_t kNoResult = std::numeric_limits<std::size_t>::max();

double nanoseconds(Clock::duration duration) {
  return std::chrono::duration<double, std::nano>(duration).count();
}

}  // namespace

std::vector<std::size_t> marks_of(std::size_t count) {
  if (count == 0) return {};
  const std::size_t marks = std::min(count, kMostMarks);
  const std::size_t steps = std::max<std::size_t>(marks - 1, 1);
  std::vector<std::size_t> chosen;
  for (std::size_t j = 0; j < marks; ++j) chosen.push_back(j * (count - 1) / steps);
  return chosen;
}

void BatchTimes::prepare(std::size_t tasks) {
  if (marks_.empty() || tasks != tasks_) {
    tasks_ = tasks;
    marks_ = marks_of(tasks);
    marks_.push_back(kNoResult);
    submitted_at_.resize(marks_.size());
    held_at_.resize(marks_.size());
    states_.resize(marks_.size());
  }
  submit_marks_ = 0;
  held_ = 0;
  held_marks_ = 0;
}

double BatchTimes::submission(Clock::time_point start, std::size_t task) const {
  if (submit_marks_ == 0) return nanoseconds(begin_ - start);  // a map submits all at once
  const auto marks = std::span(marks_).first(submit_marks_);
  const auto next = std::ranges::lower_bound(marks, task) - marks.begin();
  const auto j = std::min(static_cast<std::size_t>(next), submit_marks_ - 1);
  const double at = nanoseconds(submitted_at_[j] - start);
  if (j == 0 || marks[j] <= task) return at;
  const double before = nanoseconds(submitted_at_[j - 1] - start);
  const auto part = static_cast<double>(task - marks[j - 1]);
  return before + (at - before) * part / static_cast<double>(marks[j] - marks[j - 1]);
}

BatchView BatchTimes::view(Clock::time_point start, std::span<const std::size_t> tasks) const {
  BatchView seen;
  seen.submit = nanoseconds(all_submitted_ - begin_);
  for (std::size_t j = 0; j < held_marks_; ++j) {
    const double held = nanoseconds(held_at_[j] - start);
    seen.completions.push_back(held);
    seen.latencies.push_back(held - submission(start, tasks[j]));
  }
  return seen;
}

BatchView BatchTimes::view(Clock::time_point start) const { return view(start, marks_); }

}  // namespace poolmark::harness::detail
