#include "overhead/small_process.hpp"

#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <system_error>

#include "overhead/meter.hpp"

namespace bench {
namespace {

constexpr std::int64_t kCannotFork = -1;
int socket_to_small_process = -1;  // one a program, by its nature

bool fork_and_wait() {
  const pid_t pid = fork();
  if (pid == 0) _exit(0);
  return pid > 0 && waitpid(pid, nullptr, 0) == pid;
}

std::int64_t fork_and_wait_ns(int children) {
  const auto begun = std::chrono::steady_clock::now();
  for (int i = 0; i < children; ++i) {
    if (!fork_and_wait()) return kCannotFork;
  }
  return std::chrono::nanoseconds(std::chrono::steady_clock::now() - begun).count();
}

[[noreturn]] void serve(int socket) {
  prctl(PR_SET_NAME, "small");
  signal(SIGINT, SIG_IGN);  // Ctrl-C is the business of the program: its end is ours
  int children = 0;
  while (read(socket, &children, sizeof children) == sizeof children) {
    const std::int64_t took = fork_and_wait_ns(children);
    if (write(socket, &took, sizeof took) != sizeof took) break;
  }
  _exit(0);
}

}  // namespace

void start_small_process() {
  std::array<int, 2> sockets{};
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets.data()) != 0) {
    throw std::system_error(errno, std::generic_category(), "cannot make a pair of sockets");
  }
  const pid_t pid = fork();
  if (pid < 0) throw std::system_error(errno, std::generic_category(), "cannot fork");
  if (pid == 0) {
    close(sockets[0]);
    serve(sockets[1]);
  }
  close(sockets[1]);
  socket_to_small_process = sockets[0];
}

std::chrono::nanoseconds fork_and_wait_in_small_process(int children) {
  std::int64_t took = kCannotFork;
  if (send(socket_to_small_process, &children, sizeof children, MSG_NOSIGNAL) != sizeof children ||
      read(socket_to_small_process, &took, sizeof took) != sizeof took) {
    throw WrongResult("the small process is not there");
  }
  if (took == kCannotFork) throw WrongResult("the small process cannot fork");
  return std::chrono::nanoseconds(took);
}

}  // namespace bench
