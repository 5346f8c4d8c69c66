#include "flags/server.hpp"

#include <fmt/format.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <stdexcept>
#include <system_error>

#include "flags/serving.hpp"

namespace bench::flags {
namespace {

[[noreturn]] void throw_system_error(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

/// The child holds on to nothing of its parent's but what it was given.
void close_all_but(int kept) {
  const auto beyond_standard = static_cast<unsigned>(STDERR_FILENO + 1);
  const auto spared = static_cast<unsigned>(kept);
  if (spared > beyond_standard) close_range(beyond_standard, spared - 1, 0);
  close_range(spared + 1, ~0U, 0);
}

/// The server's process from its first line to its last.
[[noreturn]] void serve(int control, pid_t parent, const Latency& latency) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(0);
  close_all_but(control);
  prctl(PR_SET_NAME, "flags-server");
  int port = 0;
  try {
    Serving serving(latency);
    port = serving.port();
    if (write(control, &port, sizeof port) == sizeof port) serving.until_readable(control);
  } catch (...) {
    if (port == 0) (void)!write(control, &port, sizeof port);
  }
  _exit(0);
}

}  // namespace

Server::Server(const Latency& latency) {
  std::array<int, 2> ends{};
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) {
    throw_system_error("no descriptors are left for the server of the flags");
  }
  const pid_t parent = getpid();
  pid_ = fork();
  if (pid_ == 0) serve(ends[1], parent, latency);
  const int error = errno;
  close(ends[1]);
  control_ = ends[0];
  if (pid_ > 0 && read(control_, &port_, sizeof port_) == sizeof port_ && port_ != 0) return;
  close(control_);
  if (pid_ < 0) {
    throw std::system_error(error, std::generic_category(), "the server of the flags cannot fork");
  }
  waitpid(pid_, nullptr, 0);
  throw std::runtime_error("the server of the flags gets no port on 127.0.0.1");
}

Server::~Server() {
  // Not only closed: a process that was forked after the server holds this end open.
  shutdown(control_, SHUT_RDWR);
  close(control_);
  while (waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
}

std::string Server::base_url(std::string_view directory) const {
  return fmt::format("http://127.0.0.1:{}/{}", port_, directory);
}

}  // namespace bench::flags
