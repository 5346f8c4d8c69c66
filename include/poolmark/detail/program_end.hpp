#pragma once

#include <atomic>

// The end of the program: exit() destroys objects and calls handlers, latest first. What is older
// than the first executor comes when the library's own means may be gone, and is refused there.
namespace poolmark::detail {

// Relaxed: written once, by the thread that is in exit(); other threads may see it later.
extern std::atomic<bool> program_is_ending;

/// Called where executors are made: from the first time on the end is noticed.
void notice_the_end_of_the_program();

[[noreturn]] void refuse_because_the_program_ends();

/// Throws ShutdownError if exit() has come to what is older than the first executor.
inline void refuse_if_the_program_ends() {
  if (program_is_ending.load(std::memory_order_relaxed)) [[unlikely]] {
    refuse_because_the_program_ends();
  }
}

}  // namespace poolmark::detail
