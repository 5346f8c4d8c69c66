#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "poolmark/detail/fork_guard.hpp"
#include "poolmark/detail/intrusive_ptr.hpp"
#include "poolmark/detail/loop_message.hpp"
#include "poolmark/detail/task_queue.hpp"
#include "poolmark/event_loop.hpp"
#include "poolmark/executor.hpp"

namespace poolmark {

struct AsyncOptions {
  /// At most so many coroutines have begun and not ended, the others wait in the order of their
  /// submission; none: no bound. At least 1. (In asyncio one writes a Semaphore for it.)
  std::optional<int> max_concurrency = std::nullopt;
  /// Linux keeps 15 bytes; empty: a name of the executor's own.
  std::string thread_name = {};
  /// A turn of the loop that takes longer is told to `on_slow_callback`: nothing else on the loop
  /// went on meanwhile. (asyncio has it in its debug mode.)
  std::chrono::nanoseconds slow_callback_duration = std::chrono::milliseconds(100);
  /// Called on the loop's thread. None: a line on standard error, once for each callable.
  std::function<void(const SlowCallback&)> on_slow_callback = {};
};

namespace detail {

/// The body of an async executor: a queue of tasks, and one thread that runs an event loop, which
/// is started with the first task. Tasks and the thread hold references to it. src/async/README.md
/// tells who wakes whom.
class AsyncCore final : public RefCounted, private LoopMessage {
 public:
  /// std::invalid_argument if an option is out of range, std::system_error without descriptors.
  explicit AsyncCore(AsyncOptions options);

  /// Takes a pending task, whose run() the loop's thread will call: it claims it itself.
  /// ShutdownError, DeadlockError in a forked child, and std::system_error if the thread cannot be
  /// started.
  void enqueue(QueueEntry task);

  /// A task in the queue will never run. Any thread.
  void note_discarded() noexcept;

  /// A task that has begun is over. The loop's thread.
  void note_ended() noexcept;

  void shutdown(const ShutdownOptions& options);

  EventLoop& loop() noexcept { return loop_; }
  int max_concurrency() const noexcept { return max_concurrency_; }
  bool is_cancelling() const noexcept { return is_cancelling_.load(std::memory_order_relaxed); }
  /// Whether this is a forked child, where the loop has no thread.
  bool is_inherited() const noexcept { return fork_generation_ != fork_generation(); }

  /// Throws DeadlockError on the loop's own thread, which would wait for itself.
  void refuse_to_block() const;

 protected:
  ~AsyncCore() override;

 private:
  /// The message: there may be tasks in the queue, or the end has come.
  void deliver() noexcept override;
  void begin_tasks() noexcept;
  void look_further() noexcept;
  void run_loop();

  /// With the entrance of the queue held.
  void ask_loop_to_look() noexcept;
  void close(bool cancel_futures);
  void join_thread();

  const int max_concurrency_;
  const std::string thread_name_;
  const std::uint32_t fork_generation_;
  EventLoop loop_;
  TaskQueue queue_;

  // ---- guarded by the entrance of the queue
  bool closed_ = false;
  bool is_asked_ = false;  // this message is on its way to the loop
  std::thread thread_;     // from the first task on, and not joined yet

  std::mutex joining_;  // held while the thread is joined, so that every caller waits for it

  // ---- the loop's own
  int begun_ = 0;  // tasks that have begun and not ended
  bool is_beginning_ = false;

  // Relaxed: a flag, and a count about.
  std::atomic<bool> is_cancelling_{false};
  std::atomic<std::size_t> discarded_{0};
};

}  // namespace detail
}  // namespace poolmark
