#pragma once

#include <cstddef>

#include "poolmark/detail/future_state.hpp"
#include "task_stack.hpp"

// Who waits for whom among the workers of thread pools, so that a circle of waits is an error and
// not a silence. README.md, "Waiting inside a worker", tells what is known and what is assumed.
namespace poolmark::detail {

/// The futures that a thread waits for, as its waiter keeps them.
struct Awaited {
  enum class Need : bool { kAny, kAll };

  /// For result() and its like.
  static Awaited only(FutureState& future) noexcept {
    const auto at = [](void* state, std::size_t) noexcept {
      return static_cast<FutureState*>(state);
    };
    return {.at = at, .waiter = &future, .count = 1, .need = Need::kAll};
  }

  FutureState* (*at)(void* waiter, std::size_t i) noexcept;  // null: nothing there
  void* waiter;
  std::size_t count;
  Need need;
};

/// In a worker of a thread pool that is about to sleep: as long as this lives, every thread can see
/// what the worker waits for. On an event loop: the wait is refused if only the loop itself could
/// end it. Does nothing in other threads.
class BlockedWorker {
 public:
  /// DeadlockError, naming the chain of waits, if the wait could never end. `for_ever`: nothing but
  /// the awaited futures ends it (no timeout), and the thread sleeps meanwhile (it drives no
  /// executor); otherwise nothing is registered.
  BlockedWorker(const Awaited& awaited, bool for_ever);
  BlockedWorker(const BlockedWorker&) = delete;
  BlockedWorker& operator=(const BlockedWorker&) = delete;
  ~BlockedWorker();

 private:
  friend class BlockedWorkers;

  const TaskStack* const stack_;  // null: not registered
  const Awaited awaited_;

  // ---- guarded by the registry's lock
  BlockedWorker* next_ = nullptr;
  BlockedWorker* previous_ = nullptr;
  // For the look that is being taken, see BlockedWorkers::look().
  bool goes_on_ = false;
  int looked_at_in_ = 0;
  bool is_told_ = false;
};

}  // namespace poolmark::detail
