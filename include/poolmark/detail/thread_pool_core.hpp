#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "poolmark/detail/future_state.hpp"
#include "poolmark/detail/task_queue.hpp"
#include "poolmark/executor.hpp"

namespace poolmark {

struct ThreadPoolOptions {
  /// 1 to kMaxWorkersLimit; none: one a usable CPU. (CPython adds 4 to that, because its threads
  /// wait for its interpreter lock.)
  std::optional<int> max_workers = std::nullopt;
  /// Threads are named "<prefix>-<number>", shortened to the 15 bytes that Linux keeps; empty: a
  /// prefix of the pool's own.
  std::string thread_name_prefix = {};
  /// Runs first in every worker thread. If it throws, the pool is broken: pending futures and later
  /// submits get BrokenThreadPool with its text.
  std::function<void()> initializer = {};
  /// A task that waits without a timeout, in result(), exception(), take(), a map or
  /// wait(AllCompleted), for a task of its own pool that has not started runs it there and then, in
  /// its own thread: up to 64 within each other. It must hold no lock then that the other takes.
  /// When false, or deeper, it waits for another worker, and DeadlockError tells if none can come.
  bool run_in_place = true;
};

namespace detail {

/// The body of a thread pool: a FIFO queue, and threads that are started on demand, an idle one
/// being used first. The threads hold references to it, so it lives until the last has ended.
/// src/README.md tells who wakes whom, and why no task is left lying.
class ThreadPoolCore final : public RefCounted {
 public:
  explicit ThreadPoolCore(ThreadPoolOptions options);

  /// Takes a pending task. ShutdownError, BrokenThreadPool, DeadlockError in a forked child, and
  /// std::system_error if the first thread cannot be started.
  void enqueue(QueueEntry task);

  /// Tells the pool, which may be gone by now, that a task in its queue will never run. Sweeps the
  /// queue when many do not.
  static void note_discarded(const ThreadPoolCore* pool) noexcept;

  /// Runs the task in this thread if that is a worker of `pool`, which else may be gone, and nobody
  /// has claimed the task. The caller owns a handle.
  static void run_in_place(const ThreadPoolCore* pool, FutureState& task);

  void shutdown(const ShutdownOptions& options);

  const std::string& name_prefix() const noexcept { return name_prefix_; }
  int max_workers() const noexcept { return max_workers_; }
  /// Whether it was shut down with cancel_futures: what has not started is not to start.
  bool is_cancelling() const noexcept { return is_cancelling_.load(std::memory_order_relaxed); }
  /// Whether this is a forked child, where the pool has no threads.
  bool is_inherited() const noexcept { return fork_generation_ != fork_generation(); }

 protected:
  ~ThreadPoolCore() override;

 private:
  struct Worker;
  class Called;

  void refuse_unless_open() const;
  /// How a thread comes into being: for a task that is being pushed, or called like a parked one,
  /// and then it calls for the rest.
  enum class Start { kForPush, kCalled };

  bool start_worker(Start start);
  Worker* at_the_gate();

  void work(int number, Start start);
  bool initialize_worker();
  void work_until_closed(Worker& self);
  void replace_this_worker(Worker& self) noexcept;

  QueueEntry next_task(Worker& self);
  QueueEntry keep_watch(Worker& self) noexcept;
  void leave_submitters_alone(Worker& self) noexcept;
  bool park(Worker& self) noexcept;
  void sleep_in_berth(Worker& self) noexcept;
  void answer_call(Worker& self) noexcept;
  bool may_stay_lookout() noexcept;
  void resign(Worker& self) noexcept;
  bool check_on_lookout(Worker& guard) noexcept;
  void go_without_guard() noexcept;
  std::size_t assess_tasks() noexcept;
  Worker* call_for_the_rest() noexcept;
  Worker* call() noexcept;
  void unpark(Worker& self) noexcept;

  void sweep_if_worth_it() noexcept;
  void close(bool cancel_futures);
  void break_pool(const std::string& reason);
  void refuse_from_now_on(const std::string& broken);
  void join_workers();

  // What makes a push look closer, see gate_.
  static constexpr unsigned kSleepers = 1;  // workers are parked
  static constexpr unsigned kMayGrow = 2;   // fewer threads than max_workers
  static constexpr unsigned kRefuses = 4;   // closed or broken

  const int max_workers_;
  const std::string name_prefix_;
  const std::function<void()> initializer_;
  const bool runs_in_place_;
  const std::uint32_t fork_generation_;

  TaskQueue queue_;

  // ---- guarded by the entrance of the queue
  unsigned gate_ = kMayGrow;
  Worker* parked_ = nullptr;  // the one that was parked last first: its caches are the warmest
  Worker* guard_ = nullptr;   // the parked worker that watches the lookout, see check_on_lookout()
  bool is_calling_ = false;   // a called worker has not come yet; it will call the next
  // How many tasks are run in a round of the guard's, as of the last look.
  std::size_t tasks_in_round_ = 0;
  std::uint64_t popped_when_assessed_ = 0;
  std::chrono::steady_clock::time_point assessed_at_{};
  bool closed_ = false;
  std::string broken_;                // why the pool is broken; empty if it is not
  std::vector<std::thread> threads_;  // not joined yet
  int started_ = 0;                   // workers so far; the next one's number
  int alive_ = 0;                     // workers that take tasks

  std::mutex joining_;  // held while threads are joined, so that every caller waits for all

  // Entries of the queue that will never run, about. Relaxed: only a count.
  std::atomic<std::size_t> discarded_{0};

  // ---- written seldom, read often: on a cache line of their own
  // The one worker that is awake and will look at the queue soon, so that pushes need call nobody;
  // null if there is none. Relaxed: whoever gives the role up looks at the queue under the
  // entrance afterwards, and so sees every push that still relied on it. But for
  // go_without_guard(), which tells the next lookout, by release and acquire, that no task is
  // short.
  alignas(64) std::atomic<Worker*> lookout_{nullptr};
  // How many waiting tasks are so much work that another worker is called for it, as long as tasks
  // are short: then the lookout keeps its role while it runs them. None if they are long. Relaxed:
  // a figure of the past in any case.
  std::atomic<std::size_t> deep_backlog_{0};
  // closed_, for the lookout. Relaxed: it looks again under the entrance.
  std::atomic<bool> is_closing_{false};
  // Relaxed: only a flag; who sees it late starts one thing more.
  std::atomic<bool> is_cancelling_{false};

  // The list of all pools, for note_discarded().
  ThreadPoolCore* next_pool_ = nullptr;
  ThreadPoolCore* previous_pool_ = nullptr;
};

}  // namespace detail
}  // namespace poolmark
