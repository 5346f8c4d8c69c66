#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

#include "poolmark/futures.hpp"
#include "poolmark/harness/detail/batch_times.hpp"

/// When each task of a batch was submitted, where and when it ran, and when its result was held:
/// what --timeline records.
namespace poolmark::harness::detail {

inline double nanoseconds(Clock::duration time) {
  return std::chrono::duration<double, std::nano>(time).count();
}

/// Where and when a task ran. It comes back with the task's result, so that every executor that can
/// return a result can be watched, wherever its workers come from. The clock is CLOCK_MONOTONIC,
/// which is one for all processes of a machine.
struct TaskRun {
  Clock::time_point started;
  Clock::time_point finished;
  std::int32_t process = 0;  // as the kernel numbers them
  std::int32_t thread = 0;
};

/// Says where this is.
TaskRun task_run(Clock::time_point started, Clock::time_point finished) noexcept;

template <class Result>
struct Watched {
  Result value;
  TaskRun run;
};

/// A task that tells of its run. Costs two readings of the clock and two system calls, some 250 ns,
/// the calls after the task's end.
template <class Input, class Result, class Task>
struct WatchedTask {
  Watched<Result> operator()(Input input) const {
    const auto started = Clock::now();
    Result value = std::invoke(task, std::move(input));
    const auto finished = Clock::now();
    return {std::move(value), task_run(started, finished)};
  }

  Task task;
};

struct TaskTimes {
  Clock::time_point submitted;  // just before; of a map, before its call
  TaskRun run;
  Clock::time_point held;  // the caller has the result
};

/// One batch; the tasks in the order of the inputs.
struct BatchTimeline {
  Clock::time_point begun;  // the first submission comes next
  Clock::time_point all_submitted;
  std::vector<TaskTimes> tasks;
};

/// What the caller saw of a batch that began at `start`, as BatchTimes tells it without a timeline.
BatchView view_of(const BatchTimeline& timeline, Clock::time_point start);

/// Nanoseconds of each task.
std::vector<double> task_times_of(const BatchTimeline& timeline);

}  // namespace poolmark::harness::detail

/// What is copied byte by byte stays so with the run beside it; everything else needs saying.
template <class Result>
  requires(!poolmark::detail::CopiedAsBytes<Result>)
struct poolmark::Wire<poolmark::harness::detail::Watched<Result>> {
  using Watched = poolmark::harness::detail::Watched<Result>;

  static void put(WireWriter& to, const Watched& watched) {
    to.put_raw(watched.run);
    Wire<Result>::put(to, watched.value);
  }
  static Watched get(WireReader& from) {
    const auto run = from.get_raw<poolmark::harness::detail::TaskRun>();
    return {Wire<Result>::get(from), run};
  }
};

template <class Input, class Result, class Task>
  requires(!poolmark::detail::CopiedAsBytes<Task>)
struct poolmark::Wire<poolmark::harness::detail::WatchedTask<Input, Result, Task>> {
  using WatchedTask = poolmark::harness::detail::WatchedTask<Input, Result, Task>;

  static void put(WireWriter& to, const WatchedTask& watched) { Wire<Task>::put(to, watched.task); }
  static WatchedTask get(WireReader& from) { return {Wire<Task>::get(from)}; }
};
