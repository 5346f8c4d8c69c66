#include <pthread.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>

#include "poolmark/detail/spin.hpp"
#include "poolmark/errors.hpp"
#include "process/child_process.hpp"
#include "process/pool_core.hpp"

// The service thread: it watches the rings as long as no waiting thread does (pool_drainer.cpp),
// and deaths and the clock always.
namespace poolmark::detail {
namespace {

using std::chrono::milliseconds;

// While other threads submit and wait so often that they keep the pool going, the service thread
// looks so often by itself, and no worker pays a system call to ring for it.
constexpr milliseconds kLookInterval{1};
constexpr std::uint64_t kBusyPerLook = 8;
// Large memory that was used is kept so long for the next large task, once there is nothing to do.
constexpr milliseconds kPayloadsKept{1'000};

Phase decode(TaskRecord& task) noexcept {
  if (task.has_failed) return Phase::kError;
  try {
    WireReader answer(task.bytes.data(), task.bytes.size());
    if (task.outcome == CallOutcome::kReturned) {
      task.decode(task.future, answer);
      return Phase::kValue;
    }
    task.future.set_error(get_exception(answer));
  } catch (...) {
    task.future.set_error(std::current_exception());
  }
  return Phase::kError;
}

/// False if the time is over. Milliseconds are too coarse for a deadline of a task; kernels
/// before 5.11 and some sandboxes know nothing finer.
bool sleep_in_epoll(int epoll, std::optional<std::chrono::nanoseconds> at_most) noexcept {
  std::array<epoll_event, 2> events;
  timespec limit{};
  if (at_most) {
    const auto seconds = std::chrono::floor<std::chrono::seconds>(*at_most);
    limit.tv_sec = seconds.count();
    limit.tv_nsec = (*at_most - seconds).count();
  }
  const long count = syscall(SYS_epoll_pwait2, epoll, events.data(), events.size(),
                             at_most ? &limit : nullptr, nullptr, 0);
  if (count >= 0 || errno == EINTR) return count != 0;
  const auto timeout = at_most ? std::chrono::ceil<milliseconds>(*at_most) : milliseconds(-1);
  return epoll_wait(epoll, events.data(), static_cast<int>(events.size()),
                    static_cast<int>(timeout.count())) != 0;
}

}  // namespace

// ---- both -----------------------------------------------------------------------------

void PoolCore::finish(Aftermath& after, Lock& lock) noexcept {
  if (after.empty()) return;
  ++finishing_;
  lock.unlock();
  after.wake_all();
  CallbackRunner::Callbacks callbacks;
  const bool any = !after.done.empty();
  while (!after.done.empty()) {
    TaskRecord& task = after.done.pop_front();
    const auto future = IntrusivePtr<FutureState>::adopt(&task.future);
    const Phase outcome = decode(task);
    task.bytes.release();
    CallbackList called = future->publish(outcome);
    if (!called.empty()) callbacks.emplace_back(future, std::move(called));
  }
  if (!callbacks.empty()) callbacks_.run(std::move(callbacks));
  lock.lock();
  if (--finishing_ == 0 && (closed_ || !broken_.empty())) kick_service();
  if (any) wake_drainer();
}

// ---- the service thread ---------------------------------------------------------------

void PoolCore::arm_service() noexcept {
  if (!service_sleeps_ || service_is_armed_ || service_looks_by_itself_ || has_drainer_) return;
  if (!anything_in_flight()) return;
  bell_->set_sleeper(PoolSleeper::kService);
  service_is_armed_ = true;
  // News came before it was armed, or it slept without an alarm clock until now, and a worker may
  // stop for good between clearing the bell and ringing it.
  if (has_news() || balance_at_ || service_sleeps_soundly_) kick_service();
}

void PoolCore::kick_service() noexcept {
  if (service_sleeps_) bell_->wake_service();
}

void PoolCore::serve() noexcept {
  pthread_setname_np(pthread_self(), "poolmark-serve");
  Lock lock(mutex_);
  while (!ended_) {
    Aftermath after;
    look_after_everything(after);
    const bool any = !after.empty();
    finish(after, lock);
    if (!any && !ended_) sleep_as_service(lock);
  }
  release_resources(lock);
  callbacks_.end();
}

void PoolCore::look_after_everything(Aftermath& after) {
  read_messages(after);
  if (has_drainer_) {
    // The drainer looks at the rings; deaths and the clock are for the service thread.
    place_backlog(after);
    let_workers_leave(after);
  } else {
    collect_and_refill(after);
  }
  expire_deadlines();
  ended_ = workers_.empty() && backlog_.empty() && after.done.empty() && finishing_ == 0 &&
           (closed_ || !broken_.empty());
}

void PoolCore::sleep_as_service(Lock& lock) {
  service_sleeps_ = true;
  service_looks_by_itself_ = activity_ - activity_seen_ >= kBusyPerLook && anything_in_flight();
  // Not before it has been quiet for as long as a sleep: or the first of the next tasks would have
  // to wake it, only to set its alarm clock.
  service_sleeps_soundly_ = activity_ == activity_seen_ && !anything_in_flight();
  activity_seen_ = activity_;
  if (!service_looks_by_itself_ && !has_drainer_ && anything_in_flight()) {
    bell_->set_sleeper(PoolSleeper::kService);
    service_is_armed_ = true;
  }
  if (has_drainer_ || service_looks_by_itself_ || !has_news()) {
    const auto nap = service_nap();
    service_wakes_at_ = nap ? Clock::now() + *nap : Clock::time_point::max();
    const int epoll = epoll_.get();
    lock.unlock();
    const bool woken = sleep_in_epoll(epoll, nap);
    lock.lock();
    if (!woken && !anything_in_flight()) payloads_.drop_unused();
  }
  service_sleeps_ = false;
  service_is_armed_ = false;
  service_looks_by_itself_ = false;
  service_sleeps_soundly_ = false;
  if (!has_drainer_) bell_->set_sleeper(PoolSleeper::kNobody);
}

std::optional<std::chrono::nanoseconds> PoolCore::service_nap() const {
  if (service_sleeps_soundly_) {
    return payloads_.has_unused() ? std::optional(kPayloadsKept) : std::nullopt;
  }
  const auto now = Clock::now();
  auto nap = kLongestSleep;
  const auto no_later_than = [&](Clock::time_point when) {
    nap = std::clamp(std::chrono::ceil<milliseconds>(when - now), milliseconds(0), nap);
  };
  if (balance_at_) no_later_than(*balance_at_);
  if (failed_starts_ > 0 && !backlog_.empty() && now < next_start_) no_later_than(next_start_);
  if (service_looks_by_itself_) nap = kLookInterval;
  if (!deadline_at_) return nap;
  return std::clamp<std::chrono::nanoseconds>(*deadline_at_ - now, std::chrono::nanoseconds(0),
                                              nap);
}

void PoolCore::release_resources(Lock& lock) noexcept {
  while (has_drainer_) {
    wake_drainer();
    lock.unlock();
    std::this_thread::yield();
    lock.lock();
  }
  // Out of the members first: stopping the zygote takes a while, and needs no lock.
  std::optional<Zygote> zygote = std::move(zygote_);
  std::optional<Bell> bell = std::move(bell_);
  OwnedFd epoll = std::move(epoll_);
  const std::vector<pid_t> orphans = std::move(orphans_);
  zygote_.reset();
  bell_.reset();
  lock.unlock();
  if (zygote) zygote->stop();
  payloads_.drop_unused();
  for (const pid_t pid : orphans) reap_if_inherited(pid);
  lock.lock();
}

}  // namespace poolmark::detail
