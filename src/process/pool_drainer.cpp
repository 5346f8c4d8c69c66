#include <algorithm>

#include "poolmark/detail/spin.hpp"
#include "process/pool_core.hpp"

// The drainer: one thread that waits for a future of the pool, and meanwhile watches the rings in
// the service thread's place. README.md tells why no wake-up is lost.
namespace poolmark::detail {

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
    if (deadline && Clock::now() >= *deadline) {
      outcome = Outcome::kTimedOut;
      break;
    }
    if (let_answers_gather(lock, deadline) || any || spin_for_news(lock)) continue;
    if (changed()) break;
    sleep_as(PoolSleeper::kDrainer, Clock::now() + kLongestSleep, deadline, lock);
  }
  hand_back(lock);
  return outcome;
}

bool PoolCore::let_answers_gather(Lock& lock, const Deadline& deadline) {
  const auto ahead = work_before_any_runs_dry();
  if (ahead == ahead.zero()) return false;
  // Half of it: the other half is for the system, which may be late, and for the next tasks' way.
  const auto now = Clock::now();
  const auto rest = moderation_.rest_within(now, ahead / 2);
  if (rest == rest.zero()) return false;
  watched_since_ = Clock::time_point::max();
  sleep_as(PoolSleeper::kResting, now + rest, deadline, lock);
  watched_since_ = Clock::now();
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

void PoolCore::sleep_as(PoolSleeper who, Clock::time_point until, const Deadline& deadline,
                        Lock& lock) {
  if (deadline) until = std::min(until, *deadline);
  if (balance_at_) until = std::min(until, *balance_at_);
  bell_->set_sleeper(who);
  // Answers do not end a rest, so they do not keep it from beginning either.
  const bool is_wanted = who == PoolSleeper::kResting ? is_worker_stuck() : has_news();
  if (!is_wanted) {
    drainer_sleeps_ = true;
    Bell& bell = *bell_;  // stays while there is a drainer
    lock.unlock();
    bell.sleep_as(who, until);
    lock.lock();
    drainer_sleeps_ = false;
  }
  bell_->set_sleeper(PoolSleeper::kNobody);
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

}  // namespace poolmark::detail
