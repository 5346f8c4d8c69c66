#pragma once

#include <chrono>
#include <cstddef>
#include <iosfwd>
#include <optional>
#include <stdexcept>
#include <string>

#include "poolmark/detail/text_formatter.hpp"

/// Everything poolmark throws, except std::invalid_argument for an option out of range and
/// std::system_error when the operating system refuses something.
///
/// Names and meaning follow "Exception classes" of Python's concurrent.futures documentation.
/// Every type can be made from a message alone, so a task may throw one too; a task's own
/// exception always reaches the caller with its own dynamic type.
namespace poolmark {

class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// The future was cancelled before it ran.
class CancelledError : public Error {
 public:
  CancelledError() : Error("the future was cancelled") {}
  using Error::Error;
};

/// A wait ended before what it waited for.
class TimeoutError : public Error {
 public:
  explicit TimeoutError(const std::string& message) : Error(message) {}
  /// Says "`unfinished` (of `total`) futures unfinished".
  TimeoutError(std::size_t unfinished_count, std::size_t total_count);

  std::size_t unfinished = 1;  ///< futures that were not done when the time was over
  std::size_t total = 1;       ///< futures that were waited for
};

/// A future was asked for something its state forbids: a second outcome, a value already taken.
class InvalidStateError : public Error {
 public:
  using Error::Error;
};

/// Work was submitted to an executor that has been shut down.
class ShutdownError : public Error {
 public:
  using Error::Error;
};

/// The wait could never end, so it was not begun.
class DeadlockError : public Error {
 public:
  using Error::Error;
};

/// The executor cannot run anything any more.
class BrokenExecutor : public Error {
 public:
  using Error::Error;
};

class BrokenThreadPool : public BrokenExecutor {
 public:
  using BrokenExecutor::BrokenExecutor;
};

class BrokenProcessPool : public BrokenExecutor {
 public:
  using BrokenExecutor::BrokenExecutor;
};

/// What is known of the end of a worker process.
struct WorkerDeath {
  int pid = 0;
  std::optional<int> signal = {};  ///< that ended it, if one did
  std::optional<int> exit_code =
      {};                  ///< otherwise; 0 too, for a task that ends its worker has failed
  std::string doing = {};  ///< completes "while it was ..."
  std::chrono::nanoseconds cpu_time{0};  ///< of its whole life; 0: unknown
  std::size_t peak_memory = 0;           ///< resident, in bytes; 0: unknown
  /// By terminate_workers() or kill_workers().
  bool ordered = false;
  /// A guess: SIGKILL came from outside the pool, and the kernel's count of its out-of-memory kills
  /// in this control group has risen since the worker was started. False where there is no count.
  bool probably_out_of_memory = false;
};

/// The worker process died while it ran this task; what() is one sentence with all that is known of
/// it. The pool itself goes on, so this is no BrokenExecutor.
class WorkerDied : public Error, public WorkerDeath {
 public:
  explicit WorkerDied(const std::string& message) : Error(message) {}
  explicit WorkerDied(const WorkerDeath& death);
};

/// The task ran longer than TaskOptions::deadline allows, and its worker was killed for it. No
/// TimeoutError: after that one the work goes on and may be waited for again, after this one the
/// work is gone.
class DeadlineExceeded : public Error {
 public:
  explicit DeadlineExceeded(const std::string& message) : Error(message) {}
  DeadlineExceeded(std::chrono::nanoseconds allowed, int worker_pid);

  std::chrono::nanoseconds deadline{0};  ///< how long the task was allowed to run
  int pid = 0;                           ///< of the worker that was killed
};

/// A task in a worker process threw something whose type cannot be rebuilt here.
class RemoteError : public Error {
 public:
  explicit RemoteError(const std::string& what_it_said) : Error(what_it_said) {}
  /// what() is "type: message".
  RemoteError(const std::string& thrown_type, const std::string& thrown_message);

  std::string type_name;
  std::string message;
};

/// what(), as Python prints an exception. The same through fmt.
std::ostream& operator<<(std::ostream& out, const Error& error);

namespace detail {

struct ErrorFormatter : TextFormatter {
  template <class Context>
  auto format(const Error& error, Context& context) const {
    return write(error.what(), context);
  }
};

}  // namespace detail
}  // namespace poolmark

// One for each class: a template for all of them would be ambiguous beside the one that <fmt/std.h>
// of fmt 10 has for every std::exception.
template <>
struct fmt::formatter<poolmark::Error> : poolmark::detail::ErrorFormatter {};
template <>
struct fmt::formatter<poolmark::CancelledError> : poolmark::detail::ErrorFormatter {};
template <>
struct fmt::formatter<poolmark::TimeoutError> : poolmark::detail::ErrorFormatter {};
template <>
struct fmt::formatter<poolmark::InvalidStateError> : poolmark::detail::ErrorFormatter {};
template <>
struct fmt::formatter<poolmark::ShutdownError> : poolmark::detail::ErrorFormatter {};
template <>
struct fmt::formatter<poolmark::DeadlockError> : poolmark::detail::ErrorFormatter {};
template <>
struct fmt::formatter<poolmark::BrokenExecutor> : poolmark::detail::ErrorFormatter {};
template <>
struct fmt::formatter<poolmark::BrokenThreadPool> : poolmark::detail::ErrorFormatter {};
template <>
struct fmt::formatter<poolmark::BrokenProcessPool> : poolmark::detail::ErrorFormatter {};
template <>
struct fmt::formatter<poolmark::WorkerDied> : poolmark::detail::ErrorFormatter {};
template <>
struct fmt::formatter<poolmark::DeadlineExceeded> : poolmark::detail::ErrorFormatter {};
template <>
struct fmt::formatter<poolmark::RemoteError> : poolmark::detail::ErrorFormatter {};
