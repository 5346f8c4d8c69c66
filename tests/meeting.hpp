#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <vector>

#include "event.hpp"
#include "poolmark/thread_pool_executor.hpp"

namespace poolmark::test {

/// Gives the pool `count` tasks, at most one for each worker, of which none ends before all have
/// begun: a failure if a worker is left asleep, or not started, while a task waits for it.
inline void meet(ThreadPoolExecutor& pool, int count) {
  std::atomic<int> arrived{0};
  std::vector<Future<void>> tasks;
  for (int i = 0; i < count; ++i) {
    tasks.push_back(pool.submit([&arrived, count] {
      arrived.fetch_add(1);
      arrived.notify_all();
      for (int seen = arrived; seen < count; seen = arrived) arrived.wait(seen);
    }));
  }
  for (const auto& task : tasks) {
    try {
      task.result(kWatchdog);
    } catch (const TimeoutError&) {
      ADD_FAILURE() << "only " << arrived << " of " << count << " tasks began";
      arrived.fetch_add(count);  // lets them end
      arrived.notify_all();
    }
  }
}

}  // namespace poolmark::test
