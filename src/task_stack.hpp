#pragma once

#include "poolmark/detail/future_state.hpp"

namespace poolmark::detail {

class ThreadPoolCore;

/// What a worker of a thread pool executes: the task that it took from the queue and, above it,
/// those that it runs in place because the one below waits for them.
///
/// Its thread alone changes it. Others read it while the thread is registered as blocked, under the
/// registry's lock (deadlock.hpp), so it needs no atomics.
class TaskStack {
 public:
  /// That of the calling thread, as long as it lives. `pool` outlives it.
  explicit TaskStack(ThreadPoolCore& pool) noexcept;
  TaskStack(const TaskStack&) = delete;
  TaskStack& operator=(const TaskStack&) = delete;
  ~TaskStack();

  /// Null in a thread that is no worker, and in a forked child, where the pool is inert.
  static TaskStack* of_this_thread() noexcept;

  ThreadPoolCore& pool() const noexcept { return pool_; }

  /// Runs a task that this thread has claimed. The task may be gone afterwards.
  void run(FutureState& task) {
    const Frame frame(*this, task);
    task.run();
  }

  /// Whether one more task may be run in place: there is one that waits for it, and the thread's
  /// stack is good for it.
  bool may_nest() const noexcept;

  /// Only for its thread, or while that is registered as blocked.
  bool contains(const FutureState& task) const noexcept;

 private:
  // An object, so that a task which ends its thread (pthread_exit) leaves no pointer behind.
  class Frame {
   public:
    Frame(TaskStack& stack, const FutureState& what) noexcept
        : task(&what), below(stack.top_), stack_(stack) {
      stack.top_ = this;
    }
    Frame(const Frame&) = delete;
    Frame& operator=(const Frame&) = delete;
    ~Frame() { stack_.top_ = below; }

    const FutureState* const task;  // for comparing: its last owner may destroy it at its end
    const Frame* const below;

   private:
    TaskStack& stack_;
  };

  ThreadPoolCore& pool_;
  const Frame* top_ = nullptr;
};

}  // namespace poolmark::detail
