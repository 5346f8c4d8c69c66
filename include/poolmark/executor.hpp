#pragma once

#include <concepts>
#include <optional>
#include <string>

#include "poolmark/detail/call_task.hpp"
#include "poolmark/future.hpp"

/// What every executor is, and the options they share.
/// "Executor Objects" of Python's concurrent.futures documentation is the source of the rules.
namespace poolmark {

struct ShutdownOptions {
  /// Block until all accepted work is done and every worker is gone. When false, shutdown()
  /// returns at once and the workers finish the accepted work by themselves.
  bool wait = true;
  /// Cancel what has not started; what runs is finished all the same.
  bool cancel_futures = false;
};

/// An executor: takes calls, gives futures. A pool of one's own that satisfies this works with
/// poolmark::map(), wait() and as_completed(), and can be measured by the harness.
///
/// What the compiler cannot see: submit() may be called from any thread, throws ShutdownError after
/// shutdown() (those of this library also while the program ends, from exit() handlers and
/// destructors of what is older than the first executor; what is younger may use it to the last),
/// and every future it returned gets an outcome or is cancelled.
template <class E>
concept Executor = requires(E& executor, const E& const_executor, int (*function)(int)) {
  { executor.submit(function, 1) } -> std::same_as<Future<int>>;
  { executor.shutdown(ShutdownOptions{}) };
  { const_executor.max_workers() } -> std::convertible_to<int>;
};

/// What `executor.submit(f, args...)` yields.
template <class E, class F, class... Args>
using submit_result_t =
    decltype(std::declval<E&>().submit(std::declval<F>(), std::declval<Args>()...));

/// How many CPUs this process may keep busy at once: its affinity mask, and the CPU quota of its
/// control groups (v1 and v2) rounded up, whichever is less. At least 1. The default of
/// max_workers. (std::thread::hardware_concurrency() sees neither quota nor, always, affinity.)
int usable_cpus();

/// The most workers a pool may have.
inline constexpr int kMaxWorkersLimit = 1024;

namespace detail {

/// `requested`, or the usable CPUs if there is none; std::invalid_argument unless 1 to
/// kMaxWorkersLimit.
int checked_max_workers(const std::optional<int>& requested);

}  // namespace detail
}  // namespace poolmark
