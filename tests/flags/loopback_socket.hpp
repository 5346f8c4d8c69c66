#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>

namespace bench::test {

/// A port of 127.0.0.1 that is this object's. Nobody answers there, unless the socket is listened
/// at.
class LoopbackSocket {
 public:
  LoopbackSocket() : descriptor_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    EXPECT_EQ(bind(descriptor_, reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(getsockname(descriptor_, reinterpret_cast<sockaddr*>(&address), &size), 0);
    port_ = ntohs(address.sin_port);
  }
  LoopbackSocket(const LoopbackSocket&) = delete;
  LoopbackSocket& operator=(const LoopbackSocket&) = delete;
  ~LoopbackSocket() { close(descriptor_); }

  /// From now on clients wait until somebody accepts them.
  void listen() const { EXPECT_EQ(::listen(descriptor_, SOMAXCONN), 0); }

  int descriptor() const noexcept { return descriptor_; }
  std::string port() const { return std::to_string(port_); }

 private:
  int descriptor_;
  int port_ = 0;
};

}  // namespace bench::test
