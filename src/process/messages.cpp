#include "process/messages.hpp"

#include <sys/socket.h>

#include <cstring>

namespace poolmark::detail {
namespace {

constexpr std::size_t kControlBytes = CMSG_SPACE(sizeof(int) * kMaxAttached);

void take_descriptors(msghdr& header, Attached* attached) noexcept {
  for (cmsghdr* part = CMSG_FIRSTHDR(&header); part != nullptr; part = CMSG_NXTHDR(&header, part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(part) + i * sizeof fd, sizeof fd);
      OwnedFd owned(fd);
      if (attached != nullptr && i < kMaxAttached) (*attached)[i] = std::move(owned);
    }
  }
}

}  // namespace

SocketPair make_socket_pair() {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
    throw_system_error("cannot create a socket pair for the zygote");
  }
  return {OwnedFd(ends[0]), OwnedFd(ends[1])};
}

bool send_packet(int socket, std::span<const std::byte> packet, std::span<const int> descriptors,
                 int flags) noexcept {
  iovec part{const_cast<std::byte*>(packet.data()), packet.size()};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  alignas(cmsghdr) char control[kControlBytes] = {};
  if (!descriptors.empty()) {
    header.msg_control = control;
    header.msg_controllen = CMSG_SPACE(descriptors.size_bytes());
    cmsghdr* rights = CMSG_FIRSTHDR(&header);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(descriptors.size_bytes());
    std::memcpy(CMSG_DATA(rights), descriptors.data(), descriptors.size_bytes());
  }
  ssize_t sent = -1;
  do {
    sent = sendmsg(socket, &header, MSG_NOSIGNAL | flags);
  } while (sent < 0 && errno == EINTR);
  return sent == static_cast<ssize_t>(packet.size());
}

Receipt receive_packet(int socket, std::span<std::byte> packet, Attached* attached,
                       int flags) noexcept {
  iovec part{packet.data(), packet.size()};
  alignas(cmsghdr) char control[kControlBytes] = {};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  header.msg_control = control;
  header.msg_controllen = sizeof control;
  ssize_t received = -1;
  do {
    received = recvmsg(socket, &header, MSG_CMSG_CLOEXEC | flags);
  } while (received < 0 && errno == EINTR);
  if (received > 0) take_descriptors(header, attached);
  if (received == static_cast<ssize_t>(packet.size())) return Receipt::kMessage;
  if (received < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return Receipt::kNothingYet;
  return Receipt::kClosed;
}

}  // namespace poolmark::detail
