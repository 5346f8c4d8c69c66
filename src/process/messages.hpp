#pragma once

#include <sys/types.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "process/owned_fd.hpp"

// What a pool and its zygote say to each other: one message a packet, descriptors attached.
namespace poolmark::detail {

enum class ZygoteWord : std::uint32_t {
  kSpawn,        // pool: start worker `worker`; its channel is attached
  kKill,         // pool: SIGKILL worker `worker` and its process group
  kTerminate,    // pool: SIGTERM worker `worker`
  kSpawned,      // zygote: `worker` runs as `pid`
  kSpawnFailed,  // zygote: fork failed with `error`
  kExited,       // zygote: `worker` ended with `status`, and has been reaped
};

constexpr std::int32_t kAnyCpu = -1;

struct ZygoteMessage {
  ZygoteWord word = ZygoteWord::kSpawn;
  std::int32_t error = 0;
  std::uint64_t worker = 0;
  pid_t pid = 0;
  std::int32_t status = 0;  // as waitpid() gives it
  std::int64_t cpu_nanoseconds = 0;
  std::int64_t peak_bytes = 0;  // of resident memory
  bool out_of_memory = false;   // probably ended by the kernel for that
  std::int32_t cpu = kAnyCpu;   // to bind a new worker to
};

/// The names and sizes a pool's zygote must know.
struct PoolPlan {
  char name_prefix[16] = {};
  std::uint64_t ring_bytes = 0;
  pid_t main_process = 0;
  std::uint64_t memory_limit = 0;  // of each worker; 0: none
};

enum class MasterWord : std::uint32_t {
  kNewPool,  // fork a pool's zygote; its socket, the bell's memory and its eventfd are attached
  kReap,     // the pool's zygote `pid` is to end: wait until it has
};

struct MasterRequest {
  MasterWord word = MasterWord::kNewPool;
  pid_t pid = 0;
  PoolPlan plan = {};
};

struct MasterReply {
  pid_t pid = 0;
  std::int32_t error = 0;
};

constexpr std::size_t kMaxAttached = 3;
using Attached = std::array<OwnedFd, kMaxAttached>;

struct SocketPair {
  OwnedFd ours;
  OwnedFd theirs;
};
/// A pair of close-on-exec packet sockets. Throws std::system_error.
SocketPair make_socket_pair();

/// Sends one packet; false, and errno set, if it could not be sent. Never raises SIGPIPE.
bool send_packet(int socket, std::span<const std::byte> packet, std::span<const int> descriptors,
                 int flags = 0) noexcept;

enum class Receipt { kMessage, kNothingYet, kClosed };
/// Receives one packet of exactly this size.
Receipt receive_packet(int socket, std::span<std::byte> packet, Attached* attached,
                       int flags = 0) noexcept;

template <class Message>
bool send_message(int socket, const Message& message, std::span<const int> descriptors = {},
                  int flags = 0) noexcept {
  return send_packet(socket, std::as_bytes(std::span(&message, 1)), descriptors, flags);
}

template <class Message>
Receipt receive_message(int socket, Message& message, Attached* attached = nullptr,
                        int flags = 0) noexcept {
  return receive_packet(socket, std::as_writable_bytes(std::span(&message, 1)), attached, flags);
}

}  // namespace poolmark::detail
