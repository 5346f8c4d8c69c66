#include <algorithm>

#include "poolmark/detail/type_name.hpp"
#include "process/pool_core.hpp"

// Who gets which task, and what comes back. All of it under the pool's lock.
namespace poolmark::detail {
namespace {

using std::chrono::microseconds;
using std::chrono::nanoseconds;

// So much work is kept queued at a worker: enough for the longest rest of a thread that collects
// (WakeModeration) and as much again, because the system may wake that late; and little enough not
// to unbalance the rest.
constexpr nanoseconds kWorkAhead = 2 * WakeModeration::kLongest;
// A longer task gains nothing from a queue behind it: the gap between two is a few per cent of it.
constexpr nanoseconds kTooLongToQueue = microseconds(1000);
// Until a process that sleeps runs, and what its waking costs the waker.
constexpr nanoseconds kWakeCost = microseconds(20);
// What waits behind a task that runs longer than this goes to a worker that has nothing to do.
constexpr nanoseconds kPatience = microseconds(100);

}  // namespace

bool PoolCore::anything_in_flight() const noexcept {
  return !backlog_.empty() || std::ranges::any_of(workers_, [](const auto& worker) {
    return worker->in_flight() != 0 || worker->is_initializing();
  });
}

bool PoolCore::has_news() const noexcept {
  return std::ranges::any_of(
      workers_, [](const auto& worker) { return !worker->killed && worker->has_news(); });
}

// ---- collecting -----------------------------------------------------------------------

void PoolCore::collect_and_refill(Aftermath& after) {
  bool any = false;
  std::optional<Clock::time_point> now;  // read once, and only if there is news
  for (const auto& worker : workers_) {
    if (worker->killed) continue;
    if (worker->has_news()) {
      if (!now) now = Clock::now();
      any |= collect(*worker, after, *now);
    }
    if (worker->is_sending()) {
      try {
        worker->feed();
      } catch (const WorkerTalksNonsense& nonsense) {
        distrust(*worker, nonsense.what());
      }
      after.wake(worker->claim_wake());
    }
  }
  if (any) early_deaths_ = 0;
  place_backlog(after);
  balance(after);
  let_workers_leave(after);
}

bool PoolCore::collect(Worker& worker, Aftermath& after, Clock::time_point now) {
  const std::size_t answered_before = worker.answered();
  const bool was_initializing = worker.is_initializing();
  const std::atomic<std::uint32_t>* space_wake = nullptr;
  try {
    worker.receive(after.done, space_wake);
  } catch (const WorkerTalksNonsense& nonsense) {
    distrust(worker, nonsense.what());
  }
  traffic_ += worker.take_traffic();
  return_to_backlog(worker.take_returned());
  after.wake(space_wake);
  if (was_initializing && !worker.is_initializing()) {
    worker.busy_since = now;
    if (const auto error = worker.initializer_error()) {
      break_pool("the initializer of a worker process threw " + describe_exception(error), after);
    }
  }
  const std::size_t answered = worker.answered() - answered_before;
  if (answered == 0) return false;
  moderation_.count(answered);
  learn_task_time(worker, answered, now);
  worker.busy_since = now;
  return true;
}

void PoolCore::learn_task_time(const Worker& worker, std::size_t answered,
                               Clock::time_point now) noexcept {
  const nanoseconds elapsed = now - worker.busy_since;
  const auto tasks = static_cast<long>(answered);
  const nanoseconds most = elapsed / tasks;
  if (worker.busy_since >= watched_since_ || !task_time_) return learn_task_time(most);
  // Nobody looked when the last one ended: the next has run for a part of the time, or, if there
  // was none, nothing has.
  const nanoseconds least = worker.in_flight() == 0 ? nanoseconds(0) : elapsed / (tasks + 1);
  learn_task_time(std::clamp(*task_time_, least, most));
}

void PoolCore::learn_task_time(nanoseconds one_task) noexcept {
  // Longer at once, shorter by halves: one slow task is reason enough not to queue behind the next.
  task_time_ = !task_time_ || one_task > *task_time_ ? one_task : (*task_time_ + one_task) / 2;
}

std::size_t PoolCore::depth() const noexcept {
  if (!task_time_ || *task_time_ >= kTooLongToQueue) return 1;
  const auto ahead = kWorkAhead / std::max(*task_time_, nanoseconds(1));
  return std::min<std::size_t>(kCells, 1 + static_cast<std::size_t>(std::max(ahead, 1L)));
}

// ---- sending --------------------------------------------------------------------------

void PoolCore::place_backlog(Aftermath& after) {
  while (!backlog_.empty()) {
    Worker* worker = pick_worker(backlog_.front());
    if (worker == nullptr) return;
    send(*worker, backlog_.pop_front(), after);
  }
}

void PoolCore::send(Worker& worker, TaskRecord& task, Aftermath& after) {
  try {
    worker.send(task);
  } catch (const WorkerTalksNonsense& nonsense) {
    distrust(worker, nonsense.what());
  }
  const std::atomic<std::uint32_t>* wake = worker.claim_wake();
  if (wake != nullptr) woke_worker_ = true;
  after.wake(wake);
  if (const auto expires = worker.next_look()) watch_deadline(*expires);
}

/// Whether a worker that is awake will be through with what it has before another one is woken.
bool PoolCore::is_sooner_done_by(const Worker& busy) const noexcept {
  return task_time_ && !busy.is_parked() &&
         *task_time_ * static_cast<long>(busy.in_flight()) < kWakeCost;
}

Worker* PoolCore::pick_worker(const TaskRecord& task) {
  // What is killed at its deadline has a worker of its own.
  const std::size_t allowed = task.has_deadline() ? 1 : depth();
  Worker* idle = nullptr;
  Worker* least_busy = nullptr;
  for (const auto& worker : workers_) {
    if (!worker->has_room(allowed)) continue;
    if (worker->in_flight() == 0) {
      if (!worker->is_parked()) return worker.get();  // still hot
      if (idle == nullptr) idle = worker.get();
    } else if (least_busy == nullptr || worker->in_flight() < least_busy->in_flight()) {
      least_busy = worker.get();
    }
  }
  if (least_busy != nullptr && is_sooner_done_by(*least_busy)) return least_busy;
  if (idle != nullptr) return idle;
  if (Worker* fresh = start_worker(); fresh != nullptr) return fresh;
  return least_busy;
}

// ---- balancing ------------------------------------------------------------------------

Worker* PoolCore::busiest_worker() noexcept {
  const auto most = std::ranges::max_element(
      workers_, {}, [](const auto& worker) { return worker->killed ? 0 : worker->waiting(); });
  return most == workers_.end() ? nullptr : most->get();
}

Worker* PoolCore::idle_worker() noexcept {
  const auto idle = std::ranges::find_if(workers_, [](const auto& worker) {
    return worker->is_idle() && worker->pid && worker->has_room(1);
  });
  return idle == workers_.end() ? nullptr : idle->get();
}

void PoolCore::balance(Aftermath& after) {
  balance_at_.reset();
  while (backlog_.empty()) {
    Worker* busiest = busiest_worker();
    if (busiest == nullptr || busiest->waiting() == 0) return;
    Worker* idle = idle_worker();
    if (idle == nullptr) return;
    const auto patient_until = busiest->busy_since + kPatience;
    const auto now = Clock::now();
    if (now < patient_until) {
      balance_at_ = patient_until;
      return;
    }
    learn_task_time(now - busiest->busy_since);
    TaskRecord* waiting = busiest->first_waiting();
    if (waiting == nullptr || !busiest->revoke(*waiting)) return;
    send(*idle, *waiting, after);
  }
}

}  // namespace poolmark::detail
