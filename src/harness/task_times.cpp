#include "poolmark/harness/detail/task_times.hpp"

#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <numeric>

namespace poolmark::harness::detail {
TaskRun task_run(Clock::time_point started, Clock::time_point finished) noexcept {
  return {started, finished, static_cast<std::int32_t>(::getpid()),
          static_cast<std::int32_t>(::syscall(SYS_gettid))};
}

BatchView view_of(const BatchTimeline& timeline, Clock::time_point start) {
  const std::vector<TaskTimes>& tasks = timeline.tasks;
  std::vector<std::size_t> order(tasks.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, {}, [&](std::size_t task) { return tasks[task].held; });

  BatchView seen;
  seen.submit = nanoseconds(timeline.all_submitted - timeline.begun);
  for (const std::size_t mark : marks_of(tasks.size())) {
    const TaskTimes& task = tasks[order[mark]];
    seen.completions.push_back(nanoseconds(task.held - start));
    seen.latencies.push_back(nanoseconds(task.held - task.submitted));
  }
  return seen;
}

std::vector<double> task_times_of(const BatchTimeline& timeline) {
  std::vector<double> times;
  for (const TaskTimes& task : timeline.tasks) {
    times.push_back(nanoseconds(task.run.finished - task.run.started));
  }
  return times;
}

}  // namespace poolmark::harness::detail
