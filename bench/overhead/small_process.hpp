#pragma once

#include <chrono>

namespace bench {

/// Forks a process that stays as small as this one is now, for what must not depend on how much
/// memory the cases have used meanwhile: a fork copies page tables. Call it before any thread is
/// started; it ends with this process. std::system_error if it cannot be forked.
void start_small_process();

/// The time of fork(), _exit() and waitpid(), done `children` times in a row by the small process.
/// WrongResult if it is not there or cannot fork.
std::chrono::nanoseconds fork_and_wait_in_small_process(int children);

}  // namespace bench
