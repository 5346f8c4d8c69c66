#include "process/zygote_main.hpp"

#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstring>
#include <optional>
#include <vector>

#include "poolmark/detail/spin.hpp"
#include "process/child_process.hpp"
#include "process/cpu_mask.hpp"
#include "process/fault_hooks.hpp"
#include "process/oom_kills.hpp"
#include "process/worker_main.hpp"

namespace poolmark::detail {
namespace {

std::int64_t nanoseconds(const timeval& time) noexcept {
  return std::int64_t{time.tv_sec} * 1'000'000'000 + std::int64_t{time.tv_usec} * 1'000;
}

class ZygoteLoop {
 public:
  explicit ZygoteLoop(ZygoteEstate estate) : estate_(std::move(estate)) {}

  [[noreturn]] void run() {
    set_up();
    while (sleep_until_something_happens()) {
      reap();
      if (!obey()) break;
    }
    kill_everybody();
    _exit(0);
  }

 private:
  struct Child {
    std::uint64_t worker;
    pid_t pid;
    bool is_new = true;
    std::optional<std::uint64_t> oom_kills_before = {};  // in its control group
    bool was_killed = false;                             // by order
  };

  void set_up() noexcept {
    // Its own group: a signal to the main process's group must not end it before its workers.
    setpgid(0, 0);
    reset_signals();
    close_all_but({estate_.control.get(), estate_.bell_memory.get(), estate_.bell_event.get(),
                   estate_.main_process.get()});
    drop_inherited_output();
    set_process_name("poolmark-zygote");
    // SIGCHLD only ever interrupts the ppoll below, so none is missed between two sleeps.
    struct sigaction action {};
    action.sa_handler = [](int) {};
    sigaction(SIGCHLD, &action, nullptr);
    sigset_t children;
    sigemptyset(&children);
    sigaddset(&children, SIGCHLD);
    sigprocmask(SIG_BLOCK, &children, nullptr);
  }

  /// False when the main process is gone.
  bool sleep_until_something_happens() {
    note_oom_kills();
    std::array<pollfd, 2> watched{pollfd{estate_.control.get(), POLLIN, 0},
                                  pollfd{estate_.main_process.get(), POLLIN, 0}};
    sigset_t none;
    sigemptyset(&none);
    ppoll(watched.data(), watched.size(), nullptr, &none);
    return watched[1].revents == 0;
  }

  void reap() noexcept {
    int status = 0;
    rusage used{};
    for (pid_t pid = 0; (pid = wait4(-1, &status, WNOHANG, &used)) > 0;) {
      const auto child = std::ranges::find(children_, pid, &Child::pid);
      if (child == children_.end()) continue;
      ZygoteMessage exited{.word = ZygoteWord::kExited, .worker = child->worker, .pid = pid};
      exited.status = status;
      exited.peak_bytes = std::int64_t{used.ru_maxrss} << 10;  // it counts KiB
      exited.cpu_nanoseconds = nanoseconds(used.ru_utime) + nanoseconds(used.ru_stime);
      exited.out_of_memory = ended_for_memory(*child, status);
      children_.erase(child);
      POOLMARK_HOOK(kZygoteReportsEnd);
      send_message(estate_.control.get(), exited);
    }
  }

  /// What the count was when the children were born. Not at once, so that nobody waits for it.
  void note_oom_kills() {
    for (Child& child : children_) {
      if (std::exchange(child.is_new, false)) child.oom_kills_before = oom_kills().count();
    }
  }

  const OomKills& oom_kills() {
    if (!oom_kills_) oom_kills_ = OomKills::open();
    return *oom_kills_;
  }

  bool ended_for_memory(const Child& child, int status) const noexcept {
    if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL || child.was_killed) return false;
    return child.oom_kills_before && oom_kills_->count() > child.oom_kills_before;
  }

  /// Does what the pool asks; false when it has closed the socket.
  bool obey() {
    for (;;) {
      ZygoteMessage order;
      Attached attached;
      switch (receive_message(estate_.control.get(), order, &attached, MSG_DONTWAIT)) {
        case Receipt::kNothingYet:
          return true;
        case Receipt::kClosed:
          return false;
        case Receipt::kMessage:
          break;
      }
      if (order.word == ZygoteWord::kSpawn) spawn(order, std::move(attached[0]));
      if (order.word == ZygoteWord::kKill) kill_worker(order.worker);
      if (order.word == ZygoteWord::kTerminate) terminate_worker(order.worker);
    }
  }

  void spawn(const ZygoteMessage& order, OwnedFd channel) {
    const std::uint64_t worker = order.worker;
    const pid_t zygote = getpid();
    const pid_t pid = fork();
    if (pid == 0) become_worker(zygote, order, std::move(channel));
    if (pid < 0) {
      send_message(
          estate_.control.get(),
          ZygoteMessage{.word = ZygoteWord::kSpawnFailed, .error = errno, .worker = worker});
      return;
    }
    setpgid(pid, pid);  // both sides do it, so that it is done whoever runs first
    children_.push_back({.worker = worker, .pid = pid});
    POOLMARK_HOOK(kZygoteReportsStart);
    send_message(estate_.control.get(),
                 ZygoteMessage{.word = ZygoteWord::kSpawned, .worker = worker, .pid = pid});
  }

  [[noreturn]] void become_worker(pid_t zygote, const ZygoteMessage& order, OwnedFd channel) {
    // Sound here, where the parent has one thread: the signal follows the thread that forked.
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != zygote) _exit(1);  // it died before the line above
    setpgid(0, 0);
    reset_signal(SIGCHLD);  // the others the zygote has reset
    unblock_signals();
    set_process_name(estate_.plan.name_prefix);
    close_all_but({channel.get(), estate_.bell_memory.get(), estate_.bell_event.get()});
    // Their numbers may be given to files of a task; they must not be closed a second time.
    static_cast<void>(estate_.control.release());
    static_cast<void>(estate_.main_process.release());
    // What the system refuses is not worth a worker: the pool has looked when it was made.
    if (order.cpu != kAnyCpu) static_cast<void>(CpuMask::of_one(order.cpu).bind_this_thread());
    limit_memory();
    run_worker({std::move(channel), std::move(estate_.bell_memory), std::move(estate_.bell_event),
                estate_.plan.ring_bytes, estate_.plan.main_process, order.worker});
  }

  void limit_memory() const noexcept {
    if (estate_.plan.memory_limit == 0) return;
    rlimit limit{};
    getrlimit(RLIMIT_DATA, &limit);
    limit.rlim_cur = limit.rlim_max = std::min<rlim_t>(estate_.plan.memory_limit, limit.rlim_max);
    setrlimit(RLIMIT_DATA, &limit);
  }

  void kill_worker(std::uint64_t worker) noexcept {
    const auto child = std::ranges::find(children_, worker, &Child::worker);
    if (child == children_.end()) return;
    child->was_killed = true;
    // Not reaped yet, so the number is still this child's.
    kill(-child->pid, SIGKILL);
    kill(child->pid, SIGKILL);
  }

  void terminate_worker(std::uint64_t worker) noexcept {
    const auto child = std::ranges::find(children_, worker, &Child::worker);
    if (child != children_.end()) kill(child->pid, SIGTERM);
  }

  void kill_everybody() noexcept {
    for (const Child& child : children_) {
      kill(-child.pid, SIGKILL);
      kill(child.pid, SIGKILL);
    }
    for (const Child& child : children_) waitpid(child.pid, nullptr, 0);
  }

  ZygoteEstate estate_;
  std::vector<Child> children_;
  std::optional<OomKills> oom_kills_;  // from the first worker on
};

void answer(int socket, pid_t pid, int error) noexcept {
  send_message(socket, MasterReply{.pid = pid, .error = error});
}

void fork_pool_zygote(int requests, const MasterRequest& request, Attached attached,
                      int main_process) {
  const pid_t pid = fork();
  if (pid == 0) {
    run_zygote({std::move(attached[0]), std::move(attached[1]), std::move(attached[2]),
                OwnedFd(main_process), request.plan});
  }
  answer(requests, pid, pid < 0 ? errno : 0);
}

}  // namespace

void run_zygote(ZygoteEstate estate) noexcept {
  ZygoteLoop loop(std::move(estate));
  loop.run();
}

void run_master_zygote(OwnedFd requests, OwnedFd main_process) noexcept {
  setpgid(0, 0);
  reset_signals();
  close_all_but({requests.get(), main_process.get()});
  drop_inherited_output();
  set_process_name("poolmark-master");
  // Found out once, and the linker's work done once, for all workers of all pools.
  spinning_helps();
  OomKills::open();
  for (;;) {
    std::array<pollfd, 2> watched{pollfd{requests.get(), POLLIN, 0},
                                  pollfd{main_process.get(), POLLIN, 0}};
    if (poll(watched.data(), watched.size(), -1) < 0) continue;
    if (watched[1].revents != 0) _exit(0);
    MasterRequest request;
    Attached attached;
    if (receive_message(requests.get(), request, &attached) != Receipt::kMessage) _exit(0);
    if (request.word == MasterWord::kNewPool) {
      fork_pool_zygote(requests.get(), request, std::move(attached), main_process.get());
    } else {
      waitpid(request.pid, nullptr, 0);
      answer(requests.get(), request.pid, 0);
    }
  }
}

}  // namespace poolmark::detail
