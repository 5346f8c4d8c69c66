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
};

namespace detail {

/// The body of a thread pool: a FIFO queue, and threads that are started on demand, an idle one
/// being used first. The threads hold references to it, so it lives until the last has ended.
class ThreadPoolCore final : public RefCounted {
 public:
  explicit ThreadPoolCore(ThreadPoolOptions options);

  /// Takes a pending task. ShutdownError, BrokenThreadPool, DeadlockError in a forked child, and
  /// std::system_error if the first thread cannot be started.
  void enqueue(IntrusivePtr<FutureState> task);

  /// A task that stands in the queue will never run; sweeps the queue when many do.
  void note_discarded() noexcept;

  void shutdown(const ShutdownOptions& options);

  int max_workers() const noexcept { return max_workers_; }
  /// Whether this is a forked child, where the pool has no threads.
  bool is_inherited() const noexcept;

 protected:
  ~ThreadPoolCore() override;

 private:
  /// Owns what stands in it.
  class TaskQueue {
   public:
    TaskQueue() = default;
    TaskQueue(TaskQueue&& other) noexcept { swap(other); }
    TaskQueue& operator=(TaskQueue&& other) noexcept {
      swap(other);
      return *this;
    }
    ~TaskQueue() {
      while (!empty()) pop();
    }

    bool empty() const noexcept { return head_ == nullptr; }
    std::size_t size() const noexcept { return size_; }
    void push(IntrusivePtr<FutureState> task) noexcept;
    IntrusivePtr<FutureState> pop() noexcept;

   private:
    void swap(TaskQueue& other) noexcept;

    FutureState* head_ = nullptr;
    FutureState* tail_ = nullptr;
    std::size_t size_ = 0;
  };

  void refuse_unless_open() const;
  void start_worker();
  void work(int number);
  void work_until_closed();
  bool initialize_worker();
  void replace_this_worker() noexcept;
  IntrusivePtr<FutureState> next_task();
  void await_work(std::unique_lock<std::mutex>& lock);
  bool wake_one() noexcept;
  void close(bool cancel_futures);
  void break_pool(const std::string& reason);
  void join_workers();

  const int max_workers_;
  const std::string name_prefix_;
  const std::function<void()> initializer_;
  const std::uint32_t fork_generation_;

  std::mutex mutex_;  // guards all up to joining_
  TaskQueue queue_;
  std::size_t discarded_ = 0;         // entries of queue_ that will never run, about
  std::vector<std::thread> threads_;  // not joined yet
  int started_ = 0;                   // workers so far; the next one's number
  int alive_ = 0;                     // workers that take tasks
  int idle_ = 0;                      // workers in await_work() that nobody has called yet
  int called_ = 0;                    // workers called out of await_work() that have not left it
  bool closed_ = false;
  std::string broken_;  // why the pool is broken; empty if it is not

  std::mutex joining_;  // held while threads are joined, so that every caller waits for all

  // The word that idle workers sleep on, changed at each call. Relaxed: mutex_ does the publishing.
  std::atomic<std::uint32_t> calls_{0};
};

}  // namespace detail
}  // namespace poolmark
