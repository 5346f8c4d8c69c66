#include <pthread.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>

#include "poolmark/detail/spin.hpp"
#include "poolmark/errors.hpp"
#include "process/child_process.hpp"
#include "process/pool_core.hpp"

// Who watches the pool: the service thread always, and instead of it, as long as it waits for a
// future of the pool, one waiting thread: the drainer. README.md tells why no wake-up is lost.
namespace poolmark::detail {
namespace {

using std::chrono::milliseconds;

// While other threads submit and wait so often that they keep the pool going, the service thread
// looks so often by itself, and no worker pays a system call to ring for it.
constexpr milliseconds kLookInterval{1};
constexpr std::uint64_t kBusyPerLook = 8;
// Large memory that was used is kept so long for the next large task, once there is nothing to do.
constexpr milliseconds kPayloadsKept{1'000};
// Insurance against a worker that dies between taking the bell and ringing it, should the message
// of its death be late.
constexpr milliseconds kLongestSleep{500};

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

// ---- the drainer ----------------------------------------------------------------------

PoolCore::Outcome PoolCore::drive_while(const std::atomic<std::uint32_t>& word,
                                        std::uint32_t expected, const Deadline& deadline) {
  // Acquire: whoever finds the word changed reads what was published with it.
  const auto changed = [&] { return word.load(std::memory_order_acquire) != expected; };
  if (changed()) return Outcome::kChanged;
  Lock lock(mutex_);
  if (has_drainer_ || ended_) return Outcome::kBusy;
  note_activity();
  take_over();

  Outcome outcome = Outcome::kChanged;
  for (;;) {
    Aftermath after;
    collect_and_refill(after);
    const bool any = !after.empty();
    // What reads an answer may be code of the user's, and wait for another future of this pool: it
    // must not find itself in its own way.
    const bool steps_aside = !after.is_plain();
    if (steps_aside) {
      has_drainer_ = false;
      arm_service();
    }
    finish(after, lock);
    if (steps_aside) {
      if (has_drainer_ || ended_) return changed() ? Outcome::kChanged : Outcome::kBusy;
      take_over();
    }
    if (changed()) break;
    if (ended_) {
      outcome = Outcome::kBusy;
      break;
    }
    if (any && deadline && Clock::now() >= *deadline) {
      outcome = Outcome::kTimedOut;
      break;
    }
    if (let_answers_gather(lock, deadline) || any || spin_for_news(lock)) continue;
    if (changed()) break;
    if (!nap_as_drainer(lock, deadline)) {
      outcome = changed() ? Outcome::kChanged : Outcome::kTimedOut;
      break;
    }
  }
  hand_back(lock);
  return outcome;
}

bool PoolCore::let_answers_gather(Lock& lock, const Deadline& deadline) {
  const auto ahead = work_before_any_runs_dry();
  if (ahead == ahead.zero()) return false;
  // Half of it: the other half is for the system, which may be late, and for the next tasks' way.
  const auto now = Clock::now();
  const auto rest = moderation_.rest_within(now, std::exchange(collected_, 0), ahead / 2);
  if (rest == rest.zero()) return false;
  auto until = now + rest;
  if (deadline) until = std::min(until, *deadline);
  if (balance_at_) until = std::min(until, *balance_at_);
  bell_->set_sleeper(PoolSleeper::kResting);
  if (!is_worker_stuck()) {
    watched_since_ = Clock::time_point::max();
    drainer_sleeps_ = true;
    Bell& bell = *bell_;  // stays while there is a drainer
    lock.unlock();
    bell.rest_as_drainer(until);
    lock.lock();
    drainer_sleeps_ = false;
    watched_since_ = Clock::now();
  }
  bell_->set_sleeper(PoolSleeper::kNobody);
  return true;
}

bool PoolCore::is_worker_stuck() const noexcept {
  return std::ranges::any_of(workers_, [](const auto& worker) {
    return worker->in_flight() != 0 && worker->waits_for_pool();
  });
}

std::chrono::nanoseconds PoolCore::work_before_any_runs_dry() const noexcept {
  std::size_t busy = 0;
  std::size_t fewest = kCells;
  for (const auto& worker : workers_) {
    if (worker->in_flight() == 0) continue;
    ++busy;
    fewest = std::min(fewest, worker->in_flight());
  }
  // Beside an idle CPU the drainer can stay awake, and costs nobody anything.
  if (!task_time_ || busy == 0 || spinning_helps_beside(busy)) return std::chrono::nanoseconds(0);
  return *task_time_ * static_cast<long>(fewest);
}

bool PoolCore::spin_for_news(Lock& lock) {
  // Longer tasks do not end within a spin. The time of a task is known with the wakes it took, so
  // this is a spin and two wakes: or short tasks would look long for ever, once both ends slept.
  constexpr std::chrono::microseconds kWorthSpinning{80};
  if (!task_time_ || *task_time_ > kWorthSpinning) return has_news();
  constexpr std::chrono::microseconds kEnough{50};  // see WorkerLoop::worth_spinning()
  if (std::exchange(woke_worker_, false) && !has_news()) {
    // It may have been put on this very core, as the kernel likes to do.
    lock.unlock();
    offer_core();
    lock.lock();
  }
  // With the lock at first: taking it costs as much as a look.
  if (look_quickly([this] { return has_news(); })) return true;
  lock.unlock();
  const bool news = spin_until(
      [&] {
        const Lock for_a_look(mutex_);
        return ended_ || has_news();
      },
      kEnough);
  lock.lock();
  return news && !ended_;
}

bool PoolCore::nap_as_drainer(Lock& lock, const Deadline& deadline) {
  const auto now = Clock::now();
  if (deadline && now >= *deadline) return false;
  auto until = now + kLongestSleep;
  if (deadline) until = std::min(until, *deadline);
  if (balance_at_) until = std::min(until, *balance_at_);
  bell_->set_sleeper(PoolSleeper::kDrainer);
  if (!has_news()) {
    drainer_sleeps_ = true;
    Bell& bell = *bell_;  // stays while there is a drainer
    lock.unlock();
    bell.sleep_as_drainer(until);
    lock.lock();
    drainer_sleeps_ = false;
  }
  bell_->set_sleeper(PoolSleeper::kNobody);
  return true;
}

void PoolCore::wake_drainer() noexcept {
  if (drainer_sleeps_) bell_->wake_drainer();
}

void PoolCore::take_over() noexcept {
  has_drainer_ = true;
  service_is_armed_ = false;
  bell_->set_sleeper(PoolSleeper::kNobody);
}

void PoolCore::hand_back(Lock& lock) {
  // What has come meanwhile is cheaper collected here than by waking a thread for it.
  for (int round = 0; round < 2 && !ended_ && !service_looks_by_itself_ && has_news(); ++round) {
    Aftermath after;
    collect_and_refill(after);
    finish(after, lock);
  }
  has_drainer_ = false;
  if (ended_) {
    kick_service();  // it waits for the last drainer to be gone
  } else {
    arm_service();
    // It sleeps without an alarm clock.
    if (payloads_.has_unused() && !anything_in_flight()) kick_service();
  }
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
