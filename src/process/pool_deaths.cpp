#include <fmt/core.h>

#include <algorithm>
#include <cstring>

#include "poolmark/detail/spin.hpp"
#include "poolmark/detail/type_name.hpp"
#include "poolmark/errors.hpp"
#include "process/pool_core.hpp"
#include "process/pool_options.hpp"

// Starting workers, their ends, and the end of the pool. All of it under the pool's lock.
namespace poolmark::detail {
namespace {

// fork() fails for a moment when a limit of processes or memory is touched. These delays, doubling
// from the first, give the machine about two and a half seconds.
constexpr int kStartsBeforeGivingUp = 9;
constexpr std::chrono::milliseconds kFirstDelay{10};

// A worker that ends before it has taken anything would be replaced for ever.
constexpr int kEarlyDeathsBeforeGivingUp = 5;

}  // namespace

// ---- birth ----------------------------------------------------------------------------

/// Workers that are awake without work take the CPU from those that have some, and from a thread
/// that waits for them awake: one CPU is left for it.
bool PoolCore::wants_another_spinner() const noexcept {
  const auto spinners =
      std::ranges::count_if(workers_, [](const auto& worker) { return worker->spins(); });
  return spinning_helps_beside(static_cast<std::size_t>(spinners) + 1);
}

Worker* PoolCore::start_worker() noexcept {
  if (stopped_by_force_ || !broken_.empty()) return nullptr;
  if (workers_.size() >= static_cast<std::size_t>(max_workers_)) return nullptr;
  if (failed_starts_ > 0 && Clock::now() < next_start_) return nullptr;
  try {
    auto worker = std::make_unique<Worker>(next_worker_id_++, ring_bytes_, draw_quota(options_));
    worker->cpu = cpu_for_next_worker();
    if (wants_another_spinner()) worker->let_it_spin();
    if (!zygote_->spawn(worker->id(), worker->take_memory_file(), worker->cpu)) {
      postpone_starts(errno);
      return nullptr;
    }
    // Into the ring before the process exists: it begins with it.
    if (options_.initializer) {
      worker->send_initializer(options_.initializer.thunk(), options_.initializer.bytes());
    }
    workers_.push_back(std::move(worker));
    return workers_.back().get();
  } catch (const std::system_error& error) {
    postpone_starts(error.code().value());
  } catch (const std::bad_alloc&) {
    postpone_starts(ENOMEM);
  }
  return nullptr;
}

int PoolCore::cpu_for_next_worker() const noexcept {
  const auto workers_on = [&](int cpu) {
    return std::ranges::count(workers_, cpu, [](const auto& worker) { return worker->cpu; });
  };
  const auto& cpus = options_.cpu_affinity;
  const auto emptiest = std::ranges::min_element(cpus, {}, workers_on);
  return emptiest == cpus.end() ? kAnyCpu : *emptiest;
}

void PoolCore::postpone_starts(int error) noexcept {
  last_start_error_ = error;
  next_start_ = Clock::now() + kFirstDelay * (1 << std::min(failed_starts_, kStartsBeforeGivingUp));
  ++failed_starts_;
  kick_service();  // it watches the clock
}

// ---- news from the zygote -------------------------------------------------------------

PoolCore::Workers::iterator PoolCore::find_worker(std::uint64_t id) noexcept {
  return std::ranges::find(workers_, id, [](const auto& worker) { return worker->id(); });
}

void PoolCore::read_messages(Aftermath& after) {
  while (const auto message = zygote_->receive()) handle(*message, after);
  if (zygote_->is_gone() && !ended_) {
    // What its workers had published before they died with it counts.
    for (const auto& worker : workers_) {
      if (!worker->killed) collect(*worker, after, Clock::now());
    }
    break_pool(
        fmt::format(
            "the process that starts the workers (zygote, process {}) has ended unexpectedly",
            zygote_->pid()),
        after);
    // Nobody is left to report their deaths.
    for (const auto& worker : workers_) {
      if (worker->pid) orphans_.push_back(*worker->pid);
    }
    workers_.clear();
  }
  if (failed_starts_ >= kStartsBeforeGivingUp && workers_.empty() && broken_.empty()) {
    break_pool(fmt::format("could not start a worker: {}", std::strerror(last_start_error_)),
               after);
  }
}

void PoolCore::handle(const ZygoteMessage& message, Aftermath& after) {
  const auto worker = find_worker(message.worker);
  if (worker == workers_.end()) return;
  switch (message.word) {
    case ZygoteWord::kSpawned:
      (*worker)->pid = message.pid;
      failed_starts_ = 0;
      break;
    case ZygoteWord::kSpawnFailed: {
      TaskList tasks;
      (*worker)->take_all(tasks);
      workers_.erase(worker);
      return_to_backlog(std::move(tasks));
      postpone_starts(message.error);
      break;
    }
    case ZygoteWord::kExited:
      bury(worker, message, after);
      break;
    case ZygoteWord::kSpawn:
    case ZygoteWord::kKill:
    case ZygoteWord::kTerminate:
      break;  // the pool says these
  }
}

void PoolCore::bury(Workers::iterator worker, const ZygoteMessage& exited, Aftermath& after) {
  Worker& dead = **worker;
  cpu_time_of_dead_ += std::chrono::nanoseconds(exited.cpu_nanoseconds);
  // What it had published before it died counts.
  if (!dead.killed) collect(dead, after, Clock::now());
  const bool expected =
      stopped_by_force_ || dead.timed_out || (dead.is_leaving() && dead.in_flight() == 0);
  const Death death{
      .exited = exited,
      .doing = dead.nonsense.empty() ? dead.doing() : "killed because " + dead.nonsense,
      .by_deadline = dead.timed_out,
      .ordered = stopped_by_force_};
  const bool died_initializing = dead.is_initializing();

  TaskList unfinished;
  TaskList untouched;
  TaskList all;
  dead.take_all(all);
  while (!all.empty()) {
    TaskRecord& task = all.pop_front();
    (dead.has_taken(task) ? unfinished : untouched).push_back(task);
  }
  const bool was_early = dead.answered() == 0 && unfinished.empty() && !expected;
  workers_.erase(worker);
  return_to_backlog(std::move(untouched));
  while (!unfinished.empty()) settle_taken(unfinished.pop_front(), death, after);

  if (expected || !broken_.empty()) return;
  const std::string what = death.describe();
  if (died_initializing) {
    break_pool("the initializer did not end: " + what, after);
  } else if (options_.on_worker_death == OnWorkerDeath::BreakPool) {
    break_pool("a worker ended abruptly: " + what, after);
  } else if (was_early && ++early_deaths_ >= kEarlyDeathsBeforeGivingUp) {
    break_pool("workers end as soon as they start: " + what, after);
  }
}

void PoolCore::return_to_backlog(TaskList&& tasks) noexcept {
  // In front of what was submitted later.
  while (!tasks.empty()) {
    TaskRecord& task = tasks.pop_back();
    task.place = TaskRecord::Place::kBacklog;
    task.worker = nullptr;
    backlog_.push_front(task);
  }
}

void PoolCore::settle_taken(TaskRecord& task, const Death& death, Aftermath& after) {
  if (death.by_deadline || (death.ordered && broken_.empty())) {
    fail(task, death.error(task.deadline), after);
  } else if (!broken_.empty() || options_.on_worker_death == OnWorkerDeath::BreakPool) {
    fail(task,
         std::make_exception_ptr(BrokenProcessPool(
             broken_.empty() ? std::string("a worker ended abruptly: ") + death.describe()
                             : broken_)),
         after);
  } else if (task.retries_left > 0) {
    --task.retries_left;
    task.place = TaskRecord::Place::kBacklog;
    task.worker = nullptr;
    backlog_.push_front(task);
  } else {
    fail(task, death.error(task.deadline), after);
  }
}

void PoolCore::distrust(Worker& worker, const std::string& why) {
  worker.killed = true;
  worker.nonsense = why;
  zygote_->kill(worker.id());
}

// ---- the end of the pool --------------------------------------------------------------

void PoolCore::fail(TaskRecord& task, std::exception_ptr error, Aftermath& after) noexcept {
  task.place = TaskRecord::Place::kLeft;
  task.worker = nullptr;
  task.has_failed = true;
  task.future.set_error(std::move(error));
  after.done.push_back(task);
}

void PoolCore::break_pool(const std::string& reason, Aftermath& after) {
  if (!broken_.empty()) return;
  broken_ = reason;
  TaskList pending;
  for (const auto& worker : workers_) {
    worker->take_all(pending);
    worker->killed = true;
    zygote_->kill(worker->id());
  }
  while (!backlog_.empty()) pending.push_back(backlog_.pop_front());
  // An exception object of its own for each: threads that rethrow one object share it.
  while (!pending.empty()) {
    fail(pending.pop_front(), std::make_exception_ptr(BrokenProcessPool(reason)), after);
  }
  kick_service();
}

void PoolCore::let_workers_leave(Aftermath& after) {
  const bool all_done = closed_ && !anything_in_flight();
  for (const auto& worker : workers_) {
    if (worker->is_leaving() || worker->in_flight() != 0) continue;
    if (!all_done && !worker->is_spent()) continue;
    worker->leave();
    after.wake(worker->claim_wake());
  }
}

}  // namespace poolmark::detail
