#pragma once

#include <chrono>
#include <exception>
#include <string>

#include "process/messages.hpp"

namespace poolmark::detail {

/// How a worker ended, and what the tasks it had taken are told.
struct Death {
  ZygoteMessage exited;
  std::string doing;
  bool by_deadline = false;  // the pool killed it because its task was overdue
  bool ordered = false;      // by terminate_workers() or kill_workers()

  /// One sentence about it.
  std::string describe() const;
  /// For a task it had taken; an object of its own for each. `deadline` is the task's.
  std::exception_ptr error(std::chrono::nanoseconds deadline) const;
};

}  // namespace poolmark::detail
