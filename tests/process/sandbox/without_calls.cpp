#include <unistd.h>

#include <cstdio>
#include <map>
#include <string>

#include "../refused_calls.hpp"

// Runs a program in which some system calls fail: without_calls ENOSYS pidfd_open close_range --
// program Ends with 77 where that is not permitted.
namespace {

constexpr int kSkip = 77;
constexpr int kUsage = 2;

const std::map<std::string, unsigned> kCalls{{"pidfd_open", SYS_pidfd_open},
                                             {"pidfd_send_signal", SYS_pidfd_send_signal},
                                             {"close_range", SYS_close_range},
                                             {"memfd_create", SYS_memfd_create}};
const std::map<std::string, int> kErrors{{"ENOSYS", ENOSYS}, {"EPERM", EPERM}};

}  // namespace

int main(int argc, char** argv) {
  std::vector<poolmark::test::RefusedCall> refused;
  int at = 2;
  for (; at < argc && std::string(argv[at]) != "--"; ++at) {
    if (!kCalls.contains(argv[at]) || !kErrors.contains(argv[1])) return kUsage;
    refused.push_back({.number = kCalls.at(argv[at]), .error = kErrors.at(argv[1])});
  }
  if (at + 1 >= argc) {
    std::fprintf(stderr, "usage: %s ENOSYS|EPERM CALL... -- PROGRAM ARGUMENT...\n", argv[0]);
    return kUsage;
  }
  if (!poolmark::test::refuse_calls(refused)) {
    std::fprintf(stderr, "skipped: no seccomp filter can be installed here\n");
    return kSkip;
  }
  execv(argv[at + 1], argv + at + 1);
  std::perror(argv[at + 1]);
  return kUsage;
}
