#pragma once

#include <sys/types.h>

#include <csignal>
#include <initializer_list>

// What every process forked here does to what it inherited.
namespace poolmark::detail {

/// Closes every descriptor but these and the standard three.
void close_all_but(std::initializer_list<int> kept) noexcept;

/// Handlers are the parent's code about the parent's affairs: all signals get their default action,
/// and none stays blocked. Ctrl-C is the main process's business: SIGINT is ignored.
void reset_signals() noexcept;
void reset_signal(int signal) noexcept;
void unblock_signals() noexcept;

/// Forgets what is buffered for standard output and error: another thread of the parent may have
/// written since the parent flushed, and that would be printed twice.
void drop_inherited_output() noexcept;

/// Prints what this process has buffered for standard output and error.
void flush_output() noexcept;

void set_process_name(const char* name) noexcept;

/// Ends the process without running the parent's exit handlers and destructors, but with what
/// coverage tools have to write.
[[noreturn]] void leave_process(int code) noexcept;

/// Blocks all signals in this thread, and so in threads it starts, for a scope: signals are for the
/// program's own threads.
class AllSignalsBlocked {
 public:
  AllSignalsBlocked() noexcept;
  AllSignalsBlocked(const AllSignalsBlocked&) = delete;
  AllSignalsBlocked& operator=(const AllSignalsBlocked&) = delete;
  ~AllSignalsBlocked();

 private:
  sigset_t before_;
};

/// Reaps a worker that is dying with its zygote, if it is this process that inherits it: as process
/// 1 of a container, or as a subreaper. Call it when the zygote has been reaped; waits for the
/// worker.
void reap_if_inherited(pid_t worker) noexcept;

/// Threads of this process; 1 if it cannot be found out.
int count_threads() noexcept;

}  // namespace poolmark::detail
