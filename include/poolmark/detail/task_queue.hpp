#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "poolmark/detail/futex.hpp"
#include "poolmark/detail/future_state.hpp"

namespace poolmark::detail {

struct ReleaseEntry {
  void operator()(FutureState* task) const noexcept { task->release_entry(); }
};

/// The hold that a queue has on a task. Who takes the task out and completes it lets go of it by
/// that, and calls release() here.
using QueueEntry = std::unique_ptr<FutureState, ReleaseEntry>;

/// A FIFO of tasks without a bound, for many threads at each end. It holds each task.
///
/// Pointers stand in a chain of segments. Each end has a lock of its own, so a thread that pushes
/// and one that pops meet only in the count of what was pushed, and each keeps its own cache lines.
class TaskQueue {
 public:
  TaskQueue();
  TaskQueue(const TaskQueue&) = delete;
  TaskQueue& operator=(const TaskQueue&) = delete;
  ~TaskQueue();

  /// The lock of the entrance. Whoever pushes holds it; the owner of the queue may guard with it
  /// what must be decided together with a push.
  FutexMutex& entrance() noexcept { return entrance_; }

  /// With the entrance held; std::bad_alloc, and then nothing is changed.
  void push(QueueEntry task);

  /// The oldest, or null. Any thread, without the entrance.
  QueueEntry pop() noexcept;

  /// How many tasks there were at the last pop that looked at the entrance, less those popped
  /// since. Looking there takes the cache line away from those who push.
  std::size_t size_last_seen() const noexcept {
    return static_cast<std::size_t>(seen_pushed_.load(std::memory_order_relaxed) -
                                    popped_.load(std::memory_order_relaxed));
  }

  /// How many there are. Exact for a thread that holds the entrance, but for those being popped.
  std::size_t size() const noexcept {
    // Acquire: what was pushed can be seen by whoever counts it. The order of the loads: the number
    // popped is never larger than the number pushed.
    const std::uint64_t popped = popped_.load(std::memory_order_acquire);
    return static_cast<std::size_t>(pushed_.load(std::memory_order_acquire) - popped);
  }
  bool empty() const noexcept { return size() == 0; }
  /// The CPU on which the newest task was pushed that a pop has seen; -1 if unknown.
  int seen_pusher_cpu() const noexcept { return seen_pusher_cpu_.load(std::memory_order_relaxed); }
  /// How many have been popped so far.
  std::uint64_t popped() const noexcept { return popped_.load(std::memory_order_relaxed); }

  /// Drops the tasks that are done already: cancelled, or run in place. Keeps the order.
  void sweep() noexcept;

 private:
  struct Segment;
  /// A place in the chain.
  struct Cursor {
    /// The slot at the place, and moves on; into the next segment first, if this one is at its end.
    FutureState*& step() noexcept;

    Segment* segment = nullptr;
    std::size_t index = 0;
  };

  bool look_at_entrance(std::uint64_t popped) noexcept;

  static constexpr std::size_t kCacheLine = 64;

  // The entrance.
  alignas(kCacheLine) FutexMutex entrance_;
  Cursor in_;

  // What the entrance tells the exit: a line of its own, because the exit looks at it again and
  // again while it is empty, and would take the lock's line away from those who push. Hints first,
  // relaxed: they come with the count.
  alignas(kCacheLine) std::atomic<FutureState*> newest_{nullptr};
  std::atomic<int> pusher_cpu_{-1};
  // Stored under the entrance after the slot: whoever reads it, with acquire, sees the tasks.
  std::atomic<std::uint64_t> pushed_{0};

  // The exit.
  alignas(kCacheLine) FutexMutex exit_;
  Cursor out_;
  // As of the last look at the entrance. Relaxed: guarded by the exit, and hints to others.
  std::atomic<std::uint64_t> seen_pushed_{0};
  std::atomic<int> seen_pusher_cpu_{-1};
  // Stored under the exit. Release: who counts by it comes after the look at pushed_ before it.
  std::atomic<std::uint64_t> popped_{0};

  // A segment that the exit has emptied, for the entrance to fill again. Acquire and release: its
  // new owner writes to it after the old one has read from it.
  alignas(kCacheLine) std::atomic<Segment*> spare_{nullptr};
};

}  // namespace poolmark::detail
