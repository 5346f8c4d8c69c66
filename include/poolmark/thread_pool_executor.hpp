#pragma once

#include <atomic>
#include <utility>

#include "poolmark/detail/task_memory.hpp"
#include "poolmark/detail/thread_pool_core.hpp"
#include "poolmark/executor.hpp"
#include "poolmark/map.hpp"

namespace poolmark {

/// Runs tasks in a pool of threads.
/// "ThreadPoolExecutor" of Python's concurrent.futures documentation is the source of the rules.
///
/// Threads are started on demand up to max_workers. A task that waits, without a timeout, for a
/// task of the same pool that has not started runs it itself (ThreadPoolOptions::run_in_place);
/// where it waits for ever all the same, because tasks wait for each other or for workers that all
/// wait, it gets DeadlockError, which names them. (In CPython both hang.) A wait with a timeout
/// does neither, and of waits for other things than futures the pool knows nothing. In a forked
/// child the pool is inert: submit() throws DeadlockError and the destructor does nothing.
class ThreadPoolExecutor : public MapMember<ThreadPoolExecutor> {
 public:
  /// A copyable way to submit that stays safe when the executor is gone: ShutdownError then.
  class Submitter {
   public:
    static constexpr bool kSharesMemory = true;

    template <class F, class... Args>
    Future<task_result_t<F, Args...>> submit(F&& f, Args&&... args) {
      return submit_to(*core_, std::forward<F>(f), std::forward<Args>(args)...);
    }
    int max_workers() const noexcept { return core_->max_workers(); }
    /// Whether what has not started is cancelled; any thread may ask.
    bool is_cancelling() const noexcept { return core_->is_cancelling(); }

   private:
    friend class ThreadPoolExecutor;
    explicit Submitter(detail::IntrusivePtr<detail::ThreadPoolCore> core)
        : core_(std::move(core)) {}
    detail::IntrusivePtr<detail::ThreadPoolCore> core_;
  };

  /// std::invalid_argument if an option is out of range. Starts no thread yet.
  explicit ThreadPoolExecutor(ThreadPoolOptions options = {});
  explicit ThreadPoolExecutor(int max_workers);
  ThreadPoolExecutor(const ThreadPoolExecutor&) = delete;
  ThreadPoolExecutor& operator=(const ThreadPoolExecutor&) = delete;
  /// shutdown({}): blocks until all accepted work is done, unless shutdown() was called before.
  ~ThreadPoolExecutor();

  /// Calls f(args...), copies of both, in a worker. Tasks start in the order of submission. Does
  /// not block; any thread may call it, a task of this pool too. The callable and the arguments
  /// are destroyed before the result can be seen. ShutdownError after shutdown(),
  /// BrokenThreadPool if an initializer failed, std::system_error if no thread can be started.
  template <class F, class... Args>
    requires std::invocable<std::decay_t<F>, std::decay_t<Args>...>
  Future<task_result_t<F, Args...>> submit(F&& f, Args&&... args) {
    return submit_to(*core_, std::forward<F>(f), std::forward<Args>(args)...);
  }

  /// Refuses further work; see ShutdownOptions for what it waits for and cancels. Any thread may
  /// call it, many times; called by a task of this pool it does not wait.
  void shutdown(const ShutdownOptions& options = {});

  /// The number in force.
  int max_workers() const noexcept { return core_->max_workers(); }
  Submitter submitter() const { return Submitter(core_); }

 private:
  template <class F, class... Args>
  static Future<task_result_t<F, Args...>> submit_to(detail::ThreadPoolCore& core, F&& f,
                                                     Args&&... args);

  detail::IntrusivePtr<detail::ThreadPoolCore> core_;
  // Relaxed: only tells the destructor, which no other call may overlap, that there was one.
  std::atomic<bool> shut_down_{false};
};

static_assert(Executor<ThreadPoolExecutor>);

// ---- implementation
// --------------------------------------------------------------------------------

namespace detail {

/// A call that stands in the queue of a thread pool.
template <class R, class F, class... Args>
class ThreadTask final : public CallTask<R, F, Args...>,
                         public InTaskMemory<ThreadTask<R, F, Args...>> {
 public:
  /// Begins with one handle and an entry.
  template <class... Given>
  explicit ThreadTask(ThreadPoolCore& core, Given&&... given)
      : CallTask<R, F, Args...>(FutureState::Entry::kHeld, std::forward<Given>(given)...),
        core_(&core) {}

  void discard() noexcept override {
    CallTask<R, F, Args...>::discard();
    // In a forked child locks may be held for ever by threads that are not here.
    if (!this->is_inherited()) ThreadPoolCore::note_discarded(core_);
  }

  void before_wait() override { ThreadPoolCore::run_in_place(core_, *this); }
  const ThreadPoolCore* thread_pool() const noexcept override { return core_; }

 private:
  // Not counted, which would cost every task two atomic instructions on a line that all threads
  // share. The pool may be gone once the task is done.
  const ThreadPoolCore* core_;
};

}  // namespace detail

template <class F, class... Args>
Future<task_result_t<F, Args...>> ThreadPoolExecutor::submit_to(detail::ThreadPoolCore& core, F&& f,
                                                                Args&&... args) {
  using R = task_result_t<F, Args...>;
  using Task = detail::ThreadTask<R, std::decay_t<F>, std::decay_t<Args>...>;
  auto* task = new Task(core, std::forward<F>(f), std::forward<Args>(args)...);
  Future<R> future(detail::IntrusivePtr<detail::TypedState<R>>::adopt(task));
  core.enqueue(detail::QueueEntry(task));
  return future;
}

}  // namespace poolmark
