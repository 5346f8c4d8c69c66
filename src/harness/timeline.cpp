#include "harness/timeline.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <limits>

namespace poolmark::harness::detail {
namespace {

bool is_possible(const TaskTimes& task) {
  return task.submitted <= task.run.started && task.run.started <= task.run.finished &&
         task.run.finished <= task.held;
}

}  // namespace

std::optional<std::string> another_clock(const BatchTimeline& timeline) {
  const auto strange = std::ranges::count_if(
      timeline.tasks, [](const TaskTimes& task) { return !is_possible(task); });
  if (strange == 0) return std::nullopt;
  return fmt::format(
      "{} of {} tasks seem to have begun before they were submitted, or ended after their results "
      "were held: the workers do not have this machine's clock",
      strange, timeline.tasks.size());
}

TimelineNumbers numbers_of(const BatchTimeline& timeline) {
  constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();
  if (timeline.tasks.empty() || another_clock(timeline)) return {kUnknown, kUnknown};
  TimelineNumbers sums;
  for (const TaskTimes& task : timeline.tasks) {
    sums.head_of_line_ns += nanoseconds(task.held - task.run.finished);
    sums.busy_ns += nanoseconds(task.run.finished - task.run.started);
  }
  sums.head_of_line_ns /= static_cast<double>(timeline.tasks.size());
  return sums;
}

double idle_share(double busy_ns, int workers, double real_ns) {
  // A user's pool may have more threads than it says.
  return std::clamp(1 - busy_ns / (workers * real_ns), 0.0, 1.0);
}

}  // namespace poolmark::harness::detail
