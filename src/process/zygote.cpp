#include "process/zygote.hpp"

#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <memory>
#include <mutex>
#include <stdexcept>

#include "poolmark/detail/fork_guard.hpp"
#include "process/child_process.hpp"
#include "process/zygote_main.hpp"

namespace poolmark {
namespace detail {
namespace {

OwnedFd open_pidfd_of_this_process() noexcept {
  // Refused by old kernels and some sandboxes; the zygote then relies on its socket alone.
  return OwnedFd(static_cast<int>(syscall(SYS_pidfd_open, getpid(), 0)));
}

void warn_if_threaded(const char* what) {
  static std::atomic<bool> warned{false};  // relaxed: only "once" matters
  if (count_threads() == 1 || warned.exchange(true, std::memory_order_relaxed)) return;
  std::fprintf(stderr,
               "poolmark: %s forks a process that already has threads; locks they hold stay locked "
               "in the workers. Call poolmark::start_zygote() first in main and use "
               "StartMethod::ProcessZygote. (This is said once.)\n",
               what);
}

/// The zygote made by start_zygote(), and who may talk to it.
class MasterZygote {
 public:
  MasterZygote() {
    warn_if_threaded("poolmark::start_zygote()");
    SocketPair sockets = make_socket_pair();
    OwnedFd main_process = open_pidfd_of_this_process();
    flush_output();
    const pid_t pid = fork();
    if (pid < 0) throw_system_error("cannot fork the zygote");
    if (pid == 0) run_master_zygote(std::move(sockets.theirs), std::move(main_process));
    socket_ = std::move(sockets.ours);
  }

  pid_t new_pool(const PoolPlan& plan, std::span<const int> descriptors) {
    const MasterReply reply = ask({.word = MasterWord::kNewPool, .plan = plan}, descriptors);
    if (reply.error != 0) {
      errno = reply.error;
      throw_system_error("cannot fork the zygote of a process pool");
    }
    return reply.pid;
  }

  void reap(pid_t pid) noexcept {
    try {
      ask({.word = MasterWord::kReap, .pid = pid}, {});
    } catch (const std::exception&) {
      // It died, and what it had forked is init's to reap.
    }
  }

  bool is_inherited() const noexcept { return fork_generation_ != fork_generation(); }
  const std::shared_ptr<const KnownCode>& known_code() const noexcept { return known_code_; }

 private:
  MasterReply ask(const MasterRequest& request, std::span<const int> descriptors) {
    std::lock_guard lock(mutex_);
    MasterReply reply;
    if (!send_message(socket_.get(), request, descriptors) ||
        receive_message(socket_.get(), reply) != Receipt::kMessage) {
      throw std::runtime_error(
          "the zygote made by poolmark::start_zygote() has ended: it was killed, or a fork closed "
          "its socket");
    }
    return reply;
  }

  std::mutex mutex_;
  OwnedFd socket_;
  // Taken before the fork: what another thread loads meanwhile counts as unknown.
  const std::shared_ptr<const KnownCode> known_code_ =
      std::make_shared<const KnownCode>(KnownCode::of_now());
  std::uint32_t fork_generation_ = fork_generation();
};

// One a process, by its nature; never destroyed, because pools with static storage may outlive any
// destructor. The process ends when its socket does.
MasterZygote* master = nullptr;

MasterZygote& running_master() {
  if (master == nullptr || master->is_inherited()) {
    throw std::logic_error(
        "StartMethod::ProcessZygote needs the zygote of this process: call "
        "poolmark::start_zygote() first in main, before any thread is started");
  }
  return *master;
}

}  // namespace

Zygote Zygote::start(StartMethod method, const Bell& bell, const PoolPlan& plan) {
  SocketPair sockets = make_socket_pair();
  if (method == StartMethod::ProcessZygote) {
    const int descriptors[] = {sockets.theirs.get(), bell.memory_file(), bell.event()};
    const pid_t pid = running_master().new_pool(plan, descriptors);
    return Zygote(std::move(sockets.ours), pid, method, running_master().known_code());
  }
  warn_if_threaded("a ProcessPoolExecutor with StartMethod::PoolZygote");
  OwnedFd main_process = open_pidfd_of_this_process();
  auto known_code = std::make_shared<const KnownCode>(KnownCode::of_now());
  flush_output();
  const pid_t pid = fork();
  if (pid < 0) throw_system_error("cannot fork the zygote of a process pool");
  if (pid == 0) {
    run_zygote({std::move(sockets.theirs), OwnedFd(bell.memory_file()), OwnedFd(bell.event()),
                std::move(main_process), plan});
  }
  return Zygote(std::move(sockets.ours), pid, method, std::move(known_code));
}

bool Zygote::spawn(std::uint64_t worker, const OwnedFd& channel, int cpu) noexcept {
  const int descriptors[] = {channel.get()};
  // Without waiting: a zygote that is behind by hundreds of orders is asked again later.
  const ZygoteMessage order{.word = ZygoteWord::kSpawn, .worker = worker, .cpu = cpu};
  return send_message(socket_.get(), order, descriptors, MSG_DONTWAIT);
}

void Zygote::kill(std::uint64_t worker) noexcept {
  send_message(socket_.get(), ZygoteMessage{.word = ZygoteWord::kKill, .worker = worker});
}

void Zygote::terminate(std::uint64_t worker) noexcept {
  send_message(socket_.get(), ZygoteMessage{.word = ZygoteWord::kTerminate, .worker = worker});
}

std::optional<ZygoteMessage> Zygote::receive() noexcept {
  ZygoteMessage message;
  if (!socket_ || gone_) return std::nullopt;
  switch (receive_message(socket_.get(), message, nullptr, MSG_DONTWAIT)) {
    case Receipt::kMessage:
      return message;
    case Receipt::kNothingYet:
      return std::nullopt;
    case Receipt::kClosed:
      gone_ = true;
      return std::nullopt;
  }
  return std::nullopt;
}

void Zygote::stop() noexcept {
  if (!socket_) return;
  socket_.reset();
  if (method_ == StartMethod::ProcessZygote) {
    master->reap(pid_);
  } else {
    while (waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
    }
  }
}

void Zygote::abandon() noexcept { socket_.reset(); }

}  // namespace detail

void start_zygote() {
  using detail::master;
  if (master != nullptr && !master->is_inherited()) return;
  master = new detail::MasterZygote();
}

}  // namespace poolmark
