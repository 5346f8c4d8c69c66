// process/start, process/stop: a pool of processes made and torn down. process/after_kill: how soon
// it works again when a worker has been killed. process/deadline: how late a task is killed.

#include <chrono>
#include <csignal>
#include <memory>
#include <thread>

#include "overhead/process_pooled.hpp"

namespace bench {
namespace {

constexpr HowOften kFew{.iterations = 10};  // of some ms each

/// From nothing until every worker has answered.
void start(Meter& meter) {
  while (meter.next()) {
    meter.start();
    PoolmarkProcesses pool(kWorkers);
    gather(pool, kWorkers);
    meter.stop();
  }
}

/// Until every worker and the pool's zygote have been reaped.
void stop(Meter& meter) {
  while (meter.next()) {
    auto pool = std::make_unique<PoolmarkProcesses>(kWorkers);
    gather(*pool, kWorkers);
    meter.start();
    pool.reset();
    meter.stop();
  }
}

/// The result of the next task that is not lost with its worker; `lost` counts those that are.
int next_result(PoolmarkProcesses& pool, int& lost) {
  constexpr int kTries = 100;
  for (int i = 0; i < kTries; ++i) {
    try {
      auto future = pool.submit(in_worker::increment, 1);
      return take(future);
    } catch (const poolmark::WorkerDied&) {
      // The signal takes its time to another CPU, and the victim took the task before it came.
      ++lost;
    }
  }
  throw WrongResult("one killed worker cost a hundred tasks");
}

void after_kill(Meter& meter, PoolmarkProcesses& pool, int workers) {
  int kills = 0;
  int lost = 0;
  while (meter.next()) {
    gather(pool, workers);
    auto asked = pool.submit(in_worker::own_pid);
    const pid_t victim = take(asked);
    meter.start();
    const int refused = kill(victim, SIGKILL);
    const int result = next_result(pool, lost);
    meter.stop();
    check_equal("the status of kill()", refused, 0);
    check_equal("the result", result, 2);
    ++kills;
  }
  meter.report_beside("tasks_lost_per_kill", static_cast<double>(lost) / kills);
}

/// From the moment at which an endless task has been running for as long as it may until its future
/// says so, which it does when the worker is gone. Short tasks go through the other worker
/// meanwhile.
void past_deadline(Meter& meter, PoolmarkProcesses& pool, int workers) {
  constexpr std::chrono::milliseconds kAllowed{50};
  while (meter.next()) {
    gather(pool, workers);
    auto endless = pool.submit_with_deadline(kAllowed, in_worker::never_end);
    const auto over = std::chrono::steady_clock::now() + kAllowed;
    auto neighbour = pool.submit(in_worker::increment, 1);
    check_equal("the result of a neighbour", take(neighbour), 2);
    std::this_thread::sleep_until(over);
    meter.start();
    const bool killed = endless.exception() != nullptr;
    meter.stop();
    check_equal("whether the endless task was killed", killed, true);
  }
}

}  // namespace

void add_process_life_cases(Cases& cases) {
  add_case<PoolmarkProcesses>(cases, "process/start/ready", 1, kWorkers, start, kFew);
  add_case<PoolmarkProcesses>(cases, "process/stop/gone", 1, kWorkers, stop, kFew);
  for (const int workers : {kFewWorkers, kWorkers}) {
    add_with_processes(
        cases, "process/after_kill/next", 1, workers,
        [workers](Meter& meter, PoolmarkProcesses& pool) { after_kill(meter, pool, workers); },
        kFew);
  }
  add_with_processes(
      cases, "process/deadline/overrun", 1, kWorkers,
      [](Meter& meter, PoolmarkProcesses& pool) { past_deadline(meter, pool, kWorkers); }, kFew);
}

}  // namespace bench
