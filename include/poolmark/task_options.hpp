#pragma once

#include "poolmark/timeout.hpp"

namespace poolmark {

/// What may be asked for one task: `pool.submit({.deadline = 50ms}, f, args...)`. Only a process
/// pool takes it: a thread cannot be stopped, so submit() of the other executors does not compile
/// with it.
struct TaskOptions {
  /// How long the task may run, from any std::chrono::duration; the default is for ever. Counted
  /// from the start of its execution in a worker, so waiting for one costs nothing of it, to the
  /// end of writing its result. Then its worker, with the process group of that, is killed by
  /// SIGKILL, the future gets DeadlineExceeded once the worker is gone, and another worker takes
  /// its place. A task that has ended in time keeps its result; nothing else is ever hit, because a
  /// worker that has a task with a deadline has no other. Such a task is never run a second time.
  /// Zero, less, or NaN is std::invalid_argument.
  Timeout deadline = {};
};

namespace detail {

/// 0 for none. Throws std::invalid_argument.
std::chrono::nanoseconds checked_deadline(const TaskOptions& options);

}  // namespace detail
}  // namespace poolmark
