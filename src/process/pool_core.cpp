#include "process/pool_core.hpp"

#include <fmt/core.h>
#include <poll.h>
#include <sys/epoll.h>

#include <algorithm>
#include <bit>
#include <ctime>
#include <stdexcept>

#include "poolmark/detail/fork_guard.hpp"
#include "poolmark/errors.hpp"
#include "process/child_process.hpp"
#include "process/pool_options.hpp"

namespace poolmark::detail {
namespace {

// Room for a few hundred small tasks, or for a large one to stream through without stopping; in a
// pool of very many workers less, so that all rings together stay within kMaxAllRings.
constexpr std::size_t kMaxRingBytes = std::size_t{256} << 10;
constexpr std::size_t kMinRingBytes = std::size_t{32} << 10;
constexpr std::size_t kMaxAllRings = std::size_t{64} << 20;

// A stream of submits keeps the workers fed by itself, so often.
constexpr std::size_t kSubmitsBetweenLooks = 32;

std::size_t ring_bytes_for(int workers) noexcept {
  const std::size_t share = kMaxAllRings / (2 * static_cast<std::size_t>(workers));
  return std::clamp(std::bit_floor(share), kMinRingBytes, kMaxRingBytes);
}

void watch(int epoll, int fd, std::uint32_t events) {
  epoll_event event{};
  event.events = events;
  if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) != 0) throw_system_error("epoll_ctl");
}

}  // namespace

PoolCore::PoolCore(const ProcessPoolOptions& options)
    : max_workers_(checked_max_workers(options.max_workers)),
      options_(checked(options)),
      fork_generation_(fork_generation()),
      ring_bytes_(ring_bytes_for(max_workers_)) {
  epoll_ = OwnedFd(epoll_create1(EPOLL_CLOEXEC));
  if (!epoll_) throw_system_error("cannot create an epoll set");
  bell_.emplace(Bell::create());
  zygote_.emplace(Zygote::start(options.start_method, *bell_, plan_for(options, ring_bytes_)));
  known_code_ = zygote_->known_code();
  if (options.initializer) {
    known_code_->require(reinterpret_cast<const void*>(options.initializer.thunk()));
  }
  watch(epoll_.get(), bell_->event(), EPOLLIN | EPOLLET);
  watch(epoll_.get(), zygote_->socket(), EPOLLIN);
}

PoolCore::~PoolCore() {
  // The last reference may be the service thread's own.
  if (service_.joinable()) service_.detach();
}

bool PoolCore::is_inherited() const noexcept { return fork_generation_ != fork_generation(); }

// ---- submitting -----------------------------------------------------------------------

void PoolCore::refuse_unless_open() const {
  if (!broken_.empty()) throw BrokenProcessPool(broken_);
  if (closed_)
    throw ShutdownError("submit() after shutdown(): the process pool takes no more work");
}

void PoolCore::require_known(const void* code) const { known_code_->require(code); }

void PoolCore::submit(TaskRecord& task) {
  if (is_inherited()) {
    throw DeadlockError(
        "this process pool was made before a fork, and is served in the parent process only: a "
        "task "
        "cannot use the pool that runs it, and a forked child needs a pool of its own");
  }
  known_code_->require(reinterpret_cast<const void*>(task.thunk));
  Aftermath after;
  Lock lock(mutex_);
  refuse_unless_open();
  if (!service_.joinable()) start_service_thread();
  note_activity();
  task.retries_left = task.has_deadline() ? 0 : options_.retries_after_worker_death;
  task.place = TaskRecord::Place::kBacklog;
  task.future.add_ref();
  backlog_.push_back(task);
  if (backlog_.size() == 1) {
    place_backlog(after);
  } else if (!has_drainer_ && ++submits_since_look_ >= kSubmitsBetweenLooks) {
    submits_since_look_ = 0;
    collect_and_refill(after);
  }
  arm_service();
  finish(after, lock);
}

void PoolCore::start_service_thread() {
  const AllSignalsBlocked while_it_starts;
  try {
    service_ = std::thread([self = IntrusivePtr<PoolCore>(this)] { self->serve(); });
  } catch (const std::system_error& error) {
    throw std::system_error(error.code(), "the process pool cannot start its service thread");
  }
}

// ---- cancelling -----------------------------------------------------------------------

bool PoolCore::cancel(TaskRecord& task) {
  if (is_inherited()) return task.future.phase() == Phase::kCancelled;
  {
    Lock lock(mutex_);
    switch (task.place) {
      case TaskRecord::Place::kBacklog:
        backlog_.remove(task);
        break;
      case TaskRecord::Place::kSent:
        if (!task.worker->revoke(task)) return false;
        break;
      case TaskRecord::Place::kCancelled:
        lock.unlock();
        return task.future.try_cancel();
      case TaskRecord::Place::kNowhere:
      case TaskRecord::Place::kLeft:
        return false;
    }
    task.place = TaskRecord::Place::kCancelled;
    // A shutdown waits for the last one, or there is room now where a worker had none.
    if (closed_ || !backlog_.empty()) kick_service();
  }
  const IntrusivePtr<FutureState> owned = IntrusivePtr<FutureState>::adopt(&task.future);
  // Callbacks run in here, so it comes after the lock.
  const bool cancelled = owned->try_cancel();
  Lock lock(mutex_);
  wake_drainer();
  return cancelled;
}

bool PoolCore::has_started(const TaskRecord& task) const noexcept {
  if (is_inherited()) return false;
  Lock lock(mutex_);
  switch (task.place) {
    case TaskRecord::Place::kSent:
      return task.worker->has_taken(task);
    case TaskRecord::Place::kLeft:
      return true;  // and its outcome is on its way
    case TaskRecord::Place::kNowhere:
    case TaskRecord::Place::kBacklog:
    case TaskRecord::Place::kCancelled:
      break;
  }
  return false;
}

void PoolCore::collect_answers() {
  if (is_inherited()) return;
  Aftermath after;
  Lock lock(mutex_);
  if (has_drainer_ || ended_ || !has_news()) return;
  collect_and_refill(after);
  finish(after, lock);
}

// ---- the end --------------------------------------------------------------------------

void PoolCore::shutdown(const ShutdownOptions& options) {
  if (is_inherited()) return;
  TaskList cancelled;
  {
    Lock lock(mutex_);
    closed_ = true;
    if (options.cancel_futures) {
      // Sent ones first: they are older.
      for (const auto& worker : workers_) worker->revoke_all(cancelled);
      while (!backlog_.empty()) cancelled.push_back(backlog_.pop_front());
      cancelled.for_each([](TaskRecord& task) { task.place = TaskRecord::Place::kCancelled; });
    }
    if (!service_.joinable() && !ended_) {
      ended_ = true;
      release_resources(lock);
    }
    kick_service();
  }
  const bool any_cancelled = !cancelled.empty();
  while (!cancelled.empty()) {
    IntrusivePtr<FutureState>::adopt(&cancelled.pop_front().future)->try_cancel();
  }
  if (any_cancelled) {
    Lock lock(mutex_);
    wake_drainer();
  }
  if (!options.wait || callbacks_.is_this_thread()) return;
  std::lock_guard joining(joining_);
  if (service_.joinable()) service_.join();
  callbacks_.join();
}

void PoolCore::stop_by_force(WorkerSignal signal) {
  if (is_inherited()) return;
  {
    Lock lock(mutex_);
    stopped_by_force_ = true;  // first, or a worker that dies now would be replaced
  }
  shutdown({.wait = false, .cancel_futures = true});
  Lock lock(mutex_);
  if (!zygote_) return;
  for (const auto& worker : workers_) {
    if (signal == WorkerSignal::kKill) {
      zygote_->kill(worker->id());
    } else {
      zygote_->terminate(worker->id());
    }
  }
}

// ---- about the workers ----------------------------------------------------------------

std::vector<pid_t> PoolCore::worker_pids() {
  constexpr int kMillisecondsBetweenLooks = 10;
  if (is_inherited()) return {};
  for (;;) {
    Aftermath after;
    Lock lock(mutex_);
    if (ended_) return {};
    read_messages(after);
    std::vector<pid_t> pids;
    for (const auto& worker : workers_) {
      if (worker->pid) pids.push_back(*worker->pid);
    }
    const bool all_known = pids.size() == workers_.size();
    const int socket = zygote_->socket();
    kick_service();  // what the messages change is its to look after
    finish(after, lock);
    if (all_known || ended_) return pids;
    lock.unlock();
    pollfd watched{socket, POLLIN, 0};
    poll(&watched, 1, kMillisecondsBetweenLooks);
  }
}

std::chrono::nanoseconds PoolCore::worker_cpu_time() {
  if (is_inherited()) return {};
  std::chrono::nanoseconds total;
  {
    Lock lock(mutex_);
    total = cpu_time_of_dead_;
  }
  for (const pid_t pid : worker_pids()) {
    clockid_t clock{};
    timespec used{};
    if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &used) != 0) continue;
    total += std::chrono::seconds(used.tv_sec) + std::chrono::nanoseconds(used.tv_nsec);
  }
  return total;
}

ProcessTraffic PoolCore::traffic() const noexcept {
  if (is_inherited()) return {};
  const Lock lock(mutex_);
  return traffic_;
}

}  // namespace poolmark::detail
