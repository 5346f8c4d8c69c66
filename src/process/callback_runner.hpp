#pragma once

#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "poolmark/detail/future_state.hpp"

namespace poolmark::detail {

/// Runs done-callbacks one after the other in a thread of its own, which is started by the first
/// one. Not in the service thread: a callback may block, even for what another thread will do when
/// it has its result, and nobody would be left to collect that.
class CallbackRunner {
 public:
  using Callbacks = std::vector<std::pair<IntrusivePtr<FutureState>, CallbackList>>;

  CallbackRunner();
  CallbackRunner(const CallbackRunner&) = delete;
  CallbackRunner& operator=(const CallbackRunner&) = delete;
  /// Lets the thread finish by itself if nobody joined it.
  ~CallbackRunner();

  /// Any thread. Runs them right here if no thread can be started.
  void run(Callbacks&& callbacks) noexcept;

  /// The thread ends when it has run what was posted. Nothing may be posted any more.
  void end() noexcept;
  /// After end(); for one thread, and not for the runner's own.
  void join();
  bool is_this_thread() const noexcept;

 private:
  struct Queue;
  static void serve(const std::shared_ptr<Queue>& queue) noexcept;

  std::shared_ptr<Queue> queue_;  // shared with the thread, which may outlive this object
  std::thread thread_;            // guarded by the queue's lock until end()
};

}  // namespace poolmark::detail
