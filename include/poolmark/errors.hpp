#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <stdexcept>
#include <string>

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

/// The worker process died while it ran this task. The pool itself goes on, so this is no
/// BrokenExecutor.
class WorkerDied : public Error {
 public:
  explicit WorkerDied(const std::string& message) : Error(message) {}
  /// `signal` if a signal ended it, else `exit_code`; `doing` completes "while it was ...".
  WorkerDied(int worker_pid, std::optional<int> ended_by_signal, std::optional<int> ended_with_code,
             const std::string& what_it_was_doing);

  int pid = 0;
  std::optional<int> signal;
  std::optional<int> exit_code;
  std::string doing;
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

}  // namespace poolmark
