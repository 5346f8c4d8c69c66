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

  /// Ends its sleep.
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

/// Whoever was called under the entrance, if anybody, wakes when this ends: declare it before the
/// lock, so that the woken worker does not run into it. Also if an exception ends it: a worker that
/// was called and does not wake is waited for for ever.
class ThreadPoolCore::Called {
 public:
  explicit Called(Worker* worker = nullptr) noexcept : worker_(worker) {}
  Called(const Called&) = delete;
  Called& operator=(const Called&) = delete;
  ~Called() {
    if (worker_ != nullptr) worker_->wake();
  }
  Called& operator=(Worker* worker) noexcept {
    worker_ = worker;
    return *this;
  }

 private:
  Worker* worker_;
};

}  // namespace poolmark::detail
