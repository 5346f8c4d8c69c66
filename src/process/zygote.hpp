#pragma once

#include <memory>
#include <optional>

#include "poolmark/process_pool_executor.hpp"
#include "process/bell.hpp"
#include "process/known_code.hpp"
#include "process/messages.hpp"

namespace poolmark::detail {

/// The pool's end of its zygote: a process of one thread that forks the workers. Not thread-safe;
/// the pool's lock guards it.
class Zygote {
 public:
  /// Forks it, or has the process-wide one fork it. Throws std::system_error, and std::logic_error
  /// for StartMethod::ProcessZygote without start_zygote().
  static Zygote start(StartMethod method, const Bell& bell, const PoolPlan& plan);

  Zygote(Zygote&&) = default;
  Zygote& operator=(Zygote&&) = delete;
  ~Zygote() { stop(); }

  /// Asks for a worker; false, and errno set, if the zygote cannot be told.
  bool spawn(std::uint64_t worker, const OwnedFd& channel, int cpu = kAnyCpu) noexcept;
  /// SIGKILL to it and to its process group.
  void kill(std::uint64_t worker) noexcept;
  /// SIGTERM to it.
  void terminate(std::uint64_t worker) noexcept;

  /// The next message; none if there is none yet. Never blocks.
  std::optional<ZygoteMessage> receive() noexcept;
  /// It closed its end without being asked to: it died.
  bool is_gone() const noexcept { return gone_; }

  /// Readable when there is a message.
  int socket() const noexcept { return socket_.get(); }
  pid_t pid() const noexcept { return pid_; }
  /// What it and its workers have loaded.
  const std::shared_ptr<const KnownCode>& known_code() const noexcept { return known_code_; }

  /// Ends it, with whatever workers are left, and returns when it has been reaped.
  void stop() noexcept;
  /// In a forked child: the process is the parent's.
  void abandon() noexcept;

 private:
  Zygote(OwnedFd socket, pid_t pid, StartMethod method,
         std::shared_ptr<const KnownCode> known_code) noexcept
      : socket_(std::move(socket)),
        pid_(pid),
        method_(method),
        known_code_(std::move(known_code)) {}

  OwnedFd socket_;
  pid_t pid_;
  StartMethod method_;
  std::shared_ptr<const KnownCode> known_code_;
  bool gone_ = false;
};

}  // namespace poolmark::detail
