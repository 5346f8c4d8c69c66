#pragma once

#include <string_view>

#include "overhead/pooled.hpp"
#include "overhead/process_births.hpp"
#include "overhead/process_tasks.hpp"

/// Cases that run on a pool of processes.
namespace bench {

/// Longer than the pool, and what it is compared with, spin before they sleep.
inline constexpr std::chrono::milliseconds kUntilProcessesSleep{5};

/// Adds a case whose body gets a pool all of whose workers are up: body(meter, pool).
template <class Body>
void add_with_processes(Cases& cases, std::string_view what, std::int64_t n, int workers, Body body,
                        HowOften how_often = {}) {
  const auto run = [workers, body](Meter& meter) {
    PoolmarkProcesses pool(workers);
    gather(pool, workers);
    meter.count_cpu_of_workers([&pool] { return pool.worker_cpu_time(); });
    body(meter, pool);
  };
  add_case<PoolmarkProcesses>(cases, what, n, workers, run, how_often);
}

}  // namespace bench
