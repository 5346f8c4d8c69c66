#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "poolmark/detail/future_state.hpp"
#include "poolmark/detail/futex.hpp"

namespace poolmark::detail {

/// A FIFO of tasks without a bound, for many threads at each end. It owns a reference to each task.
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

  /// Takes over one reference. With the entrance held; std::bad_alloc, and then nothing is changed.
  void push(FutureState* task);

  /// The oldest, with its reference, or null. Any thread, without the entrance.
  FutureState* pop() noexcept;

  /// How many there are. Exact for a thread that holds the entrance, but for those being popped.
  std::size_t size() const noexcept {
    // Acquire: what was pushed can be seen by whoever counts it. The order of the loads: the number
    // popped is never larger than the number pushed.
    const std::uint64_t popped = popped_.load(std::memory_order_acquire);
    return static_cast<std::size_t>(pushed_.load(std::memory_order_acquire) - popped);
  }
  bool empty() const noexcept { return size() == 0; }
  /// How many have been popped so far.
  std::uint64_t popped() const noexcept { return popped_.load(std::memory_order_relaxed); }

  /// Drops the tasks that are done already, which is to say cancelled ones. Keeps the order.
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

  static constexpr std::size_t kCacheLine = 64;

  // The entrance.
  alignas(kCacheLine) FutexMutex entrance_;
  Cursor in_;
  // Stored under the entrance after the slot: whoever reads it, with acquire, sees the tasks.
  std::atomic<std::uint64_t> pushed_{0};

  // The exit.
  alignas(kCacheLine) FutexMutex exit_;
  Cursor out_;
  std::uint64_t seen_pushed_ = 0;  // as of the last look at the entrance
  // Stored under the exit. Release: who counts by it comes after the look at pushed_ before it.
  std::atomic<std::uint64_t> popped_{0};

  // A segment that the exit has emptied, for the entrance to fill again. Acquire and release: its
  // new owner writes to it after the old one has read from it.
  alignas(kCacheLine) std::atomic<Segment*> spare_{nullptr};
};

}  // namespace poolmark::detail
