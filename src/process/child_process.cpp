#include "process/child_process.hpp"

#include <stdio_ext.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <iostream>

// Present only in a program built for coverage.
extern "C" void __gcov_dump() __attribute__((weak));               // NOLINT: the tool's name
extern "C" int __llvm_profile_write_file() __attribute__((weak));  // NOLINT: the tool's name

namespace poolmark::detail {
namespace {

void close_between(unsigned first, unsigned last) noexcept {
  if (first > last) return;
  if (syscall(SYS_close_range, first, last, 0) == 0) return;
  // Kernels before 5.9 and some sandboxes.
  const auto open_max = static_cast<unsigned>(std::max(sysconf(_SC_OPEN_MAX), 1024L));
  for (unsigned fd = first; fd <= std::min(last, open_max); ++fd) close(static_cast<int>(fd));
}

}  // namespace

void close_all_but(std::initializer_list<int> kept) noexcept {
  unsigned next = STDERR_FILENO + 1;
  for (;;) {
    unsigned nearest = ~0U;
    for (const int fd : kept) {
      if (fd >= 0 && static_cast<unsigned>(fd) >= next) {
        nearest = std::min(nearest, static_cast<unsigned>(fd));
      }
    }
    if (nearest == ~0U) break;
    if (nearest > next) close_between(next, nearest - 1);
    next = nearest + 1;
  }
  close_between(next, ~0U);
}

void reset_signal(int signal) noexcept {
  struct sigaction action {};
  action.sa_handler = signal == SIGINT ? SIG_IGN : SIG_DFL;
  sigaction(signal, &action, nullptr);  // fails for the few that cannot be changed
}

void reset_signals() noexcept {
  for (int signal = 1; signal < NSIG; ++signal) reset_signal(signal);
  unblock_signals();
}

void unblock_signals() noexcept {
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
}

void drop_inherited_output() noexcept {
  __fpurge(stdout);
  __fpurge(stderr);
}

void flush_output() noexcept {
  // Only these: another inherited FILE may hold the parent's bytes for a descriptor number that
  // means something else here.
  std::cout.flush();
  std::fflush(stdout);
  std::fflush(stderr);
}

void set_process_name(const char* name) noexcept { prctl(PR_SET_NAME, name); }

void leave_process(int code) noexcept {
  flush_output();
  if (__gcov_dump != nullptr) __gcov_dump();
  if (__llvm_profile_write_file != nullptr) __llvm_profile_write_file();
  _exit(code);
}

AllSignalsBlocked::AllSignalsBlocked() noexcept {
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before_);
}

AllSignalsBlocked::~AllSignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

void reap_if_inherited(pid_t worker) noexcept {
  int is_subreaper = 0;
  prctl(PR_GET_CHILD_SUBREAPER, &is_subreaper);
  // Otherwise the number may be somebody else's by now, a child of the user's for example.
  if (getpid() != 1 && is_subreaper == 0) return;
  while (waitpid(worker, nullptr, 0) < 0 && errno == EINTR) {
  }
}

int count_threads() noexcept {
  struct stat tasks {};
  if (stat("/proc/self/task", &tasks) != 0) return 1;
  return std::max(1, static_cast<int>(tasks.st_nlink) - 2);
}

}  // namespace poolmark::detail
