#pragma once

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <vector>

/// Sandboxes in which some system calls fail, as container runtimes and old kernels have them. What
/// a process refuses itself it cannot allow again, and its children inherit it: for forked children
/// and launchers.
namespace poolmark::test {

/// A system call that fails with `error`, always or where `argument` has all the bits of `bits`.
struct RefusedCall {
  unsigned number;
  int error;
  int argument = -1;
  unsigned bits = 0;
};

/// In all threads of this process. False if the kernel, or a sandbox around this one, does not
/// allow it.
inline bool refuse_calls(const std::vector<RefusedCall>& calls) {
  const auto statement = [](unsigned code, unsigned k) {
    return sock_filter{static_cast<unsigned short>(code), 0, 0, k};
  };
  const auto jump = [](unsigned code, unsigned k, unsigned if_true, unsigned if_false) {
    return sock_filter{static_cast<unsigned short>(code), static_cast<unsigned char>(if_true),
                       static_cast<unsigned char>(if_false), k};
  };
  std::vector<sock_filter> filter;
  for (const RefusedCall& call : calls) {
    const bool looks_at_argument = call.argument >= 0;
    filter.push_back(statement(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)));
    filter.push_back(jump(BPF_JMP | BPF_JEQ | BPF_K, call.number, 0, looks_at_argument ? 4 : 1));
    if (looks_at_argument) {
      const auto at = offsetof(seccomp_data, args) + 8 * static_cast<std::size_t>(call.argument);
      filter.push_back(statement(BPF_LD | BPF_W | BPF_ABS, static_cast<unsigned>(at)));
      filter.push_back(statement(BPF_ALU | BPF_AND | BPF_K, call.bits));
      filter.push_back(jump(BPF_JMP | BPF_JEQ | BPF_K, call.bits, 0, 1));
    }
    filter.push_back(statement(BPF_RET | BPF_K,
                               SECCOMP_RET_ERRNO | (static_cast<unsigned>(call.error) & 0xffffU)));
  }
  filter.push_back(statement(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
  const sock_fprog program{static_cast<unsigned short>(filter.size()), filter.data()};
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &program) == 0;
}

/// Threads cannot be started, processes can.
inline bool refuse_threads() {
  return refuse_calls(
      {{.number = SYS_clone3, .error = ENOSYS},  // so that clone() is tried
       {.number = SYS_clone, .error = EAGAIN, .argument = 0, .bits = CLONE_THREAD}});
}

}  // namespace poolmark::test
