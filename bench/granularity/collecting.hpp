#pragma once

#include <vector>

#include "granularity/subjects.hpp"
#include "overhead/pooled.hpp"
#include "poolmark/map.hpp"
#include "poolmark/wait.hpp"

/// The ways to hand out the tasks of a batch and to collect their results.
namespace bench {

template <class Pool>
void by_map(Pool& pool, const poolmark::MapOptions& options, const Batch& batch) {
  pool.map_with(options, batch.task, batch.seeds, batch.results);
}

template <class Pool>
auto submit_all(Pool& pool, const Batch& batch) {
  std::vector<FutureOf<Pool>> futures;
  futures.reserve(batch.seeds.size());
  for (const int seed : batch.seeds) {
    futures.push_back(pool.submit([task = batch.task, seed] { return task(seed); }));
  }
  return futures;
}

template <class Pool>
void by_as_completed(Pool& pool, const Batch& batch) {
  auto futures = submit_all(pool, batch);
  std::size_t next = 0;
  for (auto& future : poolmark::as_completed(futures)) batch.results[next++] = future.result();
}

template <class Pool>
void by_wait(Pool& pool, const Batch& batch) {
  auto futures = submit_all(pool, batch);
  std::size_t next = 0;
  for (auto& future : poolmark::wait(futures).done) batch.results[next++] = future.result();
}

template <class Pool>
void by_futures(Pool& pool, const Batch& batch) {
  auto futures = submit_all(pool, batch);
  std::size_t next = 0;
  for (auto& future : futures) batch.results[next++] = take(future);
}

template <class Pool>
void by_tasks(Pool& pool, const Batch& batch) {
  run_tasks(pool, static_cast<int>(batch.seeds.size()), [&batch](int i) {
    const auto place = static_cast<std::size_t>(i);
    batch.results[place] = batch.task(batch.seeds[place]);
  });
}

}  // namespace bench
