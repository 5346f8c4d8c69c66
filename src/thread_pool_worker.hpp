#pragma once

#include <atomic>
#include <cstdint>

#include "poolmark/detail/futex.hpp"
#include "poolmark/detail/thread_pool_core.hpp"
#include "shared_core.hpp"
#include "task_stack.hpp"

namespace poolmark::detail {

/// A thread of a pool, on its own stack, with the berth that it sleeps in.
struct ThreadPoolCore::Worker {
  explicit Worker(ThreadPoolCore& its_pool) noexcept : pool(its_pool) {}
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  static bool of_this_thread_is_in(const ThreadPoolCore& pool) noexcept;

  /// Ends its sleep. Not under the entrance, if it can be helped: the worker needs it at once.
  void wake() noexcept {
    // Release: the worker sees what was decided when it was called. It may be gone right after.
    is_called.store(1, std::memory_order_release);
    futex_wake(&is_called, 1);
  }

  ThreadPoolCore& pool;
  TaskStack tasks{pool};
  Worker* next_parked = nullptr;  // guarded by the entrance
  int resigned = 0;               // times it gave up the watch although tasks may be short
  SharedCore core;
  int taken_in_a_row = 0;  // tasks since the queue was empty
  int pauses = 0;
  // What it sleeps on: 0 while it is parked and nobody has called it.
  std::atomic<std::uint32_t> is_called{0};
};

}  // namespace poolmark::detail
