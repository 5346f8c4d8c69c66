#pragma once

#include <atomic>
#include <memory>
#include <type_traits>
#include <utility>

#include "poolmark/coroutine.hpp"
#include "poolmark/detail/async_core.hpp"
#include "poolmark/detail/async_map.hpp"
#include "poolmark/detail/async_task.hpp"
#include "poolmark/executor.hpp"
#include "poolmark/map.hpp"

namespace poolmark {

/// What submitting F with Args to an AsyncExecutor gives: of a coroutine function the value of the
/// coroutine, of another callable what it returns.
template <class F, class... Args>
using async_result_t = typename detail::Unwrapped<task_result_t<F, Args...>>::type;

/// Runs coroutines on an event loop, all in one thread: thousands of them can wait at once, for
/// sockets, timers and futures, and none of them computes beside another.
/// Python's asyncio documentation is the source of the rules, "Executor Objects" in that of
/// concurrent.futures for what all executors have in common.
///
/// A coroutine function returns a Coroutine. Its future is done when the coroutine has ended; until
/// then it can be cancelled, also after it has begun: the future is cancelled at once, and the
/// coroutine gets CancelledError where it rests. (As in asyncio.run_coroutine_threadsafe(). An
/// executor of threads cannot stop what runs.) Any other callable runs in one go, and the loop
/// stands still meanwhile; AsyncOptions::slow_callback_duration tells of it.
///
/// In a task of the loop co_await a future, whoever completes it; blocking there for one of the
/// same executor is DeadlockError. In a forked child the executor is inert: submit() throws
/// DeadlockError and the destructor does nothing. A task that ends its thread (pthread_exit) ends
/// the program.
class AsyncExecutor : public MapMember<AsyncExecutor> {
 public:
  /// A copyable way to submit that stays safe when the executor is gone: ShutdownError then.
  class Submitter {
   public:
    static constexpr bool kSharesMemory = true;
    static constexpr bool kHasMapSource = true;

    template <class F, class... Args>
    Future<async_result_t<F, Args...>> submit(F&& f, Args&&... args) const {
      return submit_to(*core_, std::forward<F>(f), std::forward<Args>(args)...);
    }
    int max_workers() const noexcept { return core_->max_concurrency(); }
    /// Whether what has not started is cancelled; any thread may ask.
    bool is_cancelling() const noexcept { return core_->is_cancelling(); }

    /// Where the work of a map comes from.
    template <class F, class... Views>
    auto map_source(F function, Views... views) const {
      return detail::async_map_source(*this, std::move(function), std::move(views)...);
    }

   private:
    friend class AsyncExecutor;
    explicit Submitter(detail::IntrusivePtr<detail::AsyncCore> core) : core_(std::move(core)) {}
    detail::IntrusivePtr<detail::AsyncCore> core_;
  };

  /// std::invalid_argument if an option is out of range, std::system_error if there are no
  /// descriptors left (a loop needs four). Starts no thread yet.
  explicit AsyncExecutor(AsyncOptions options = {});
  /// With so many coroutines at once at most.
  explicit AsyncExecutor(int max_concurrency);
  AsyncExecutor(const AsyncExecutor&) = delete;
  AsyncExecutor& operator=(const AsyncExecutor&) = delete;
  /// shutdown({}): blocks until all accepted work is done, unless shutdown() was called before.
  ~AsyncExecutor();

  /// Begins f(args...), copies of both, on the loop. Tasks begin in the order of submission. Does
  /// not block; any thread may call it, a task of this executor too. The copies live as long as the
  /// coroutine, and are destroyed before the result can be seen. ShutdownError after shutdown(),
  /// std::system_error if the thread cannot be started.
  template <class F, class... Args>
    requires std::invocable<std::decay_t<F>, std::decay_t<Args>...>
  Future<async_result_t<F, Args...>> submit(F&& f, Args&&... args) {
    return submit_to(*core_, std::forward<F>(f), std::forward<Args>(args)...);
  }

  /// Refuses further work; see ShutdownOptions for what it waits for and cancels: coroutines that
  /// have begun go on to their end. Any thread may call it, many times; called by a task of this
  /// executor it does not wait.
  void shutdown(const ShutdownOptions& options = {});

  /// The number in force; the largest int if there is no bound.
  int max_concurrency() const noexcept { return core_->max_concurrency(); }
  /// max_concurrency(), as all executors call it. There is one thread, however many that are.
  int max_workers() const noexcept { return max_concurrency(); }

  /// To connect something else to; as long as the executor lives.
  EventLoop& loop() const noexcept { return core_->loop(); }

  Submitter submitter() const { return Submitter(core_); }

 private:
  template <class F, class... Args>
  static Future<async_result_t<F, Args...>> submit_to(detail::AsyncCore& core, F&& f,
                                                      Args&&... args);

  detail::IntrusivePtr<detail::AsyncCore> core_;
  // Relaxed: only tells the destructor, which no other call may overlap, that there was one.
  std::atomic<bool> shut_down_{false};
};

static_assert(Executor<AsyncExecutor>);

// ---- implementation
// --------------------------------------------------------------------------------

template <class F, class... Args>
Future<async_result_t<F, Args...>> AsyncExecutor::submit_to(detail::AsyncCore& core, F&& f,
                                                            Args&&... args) {
  using Returned = task_result_t<F, Args...>;
  using R = async_result_t<F, Args...>;
  using Task = std::conditional_t<detail::Unwrapped<Returned>::kIsCoroutine,
                                  detail::CoroutineTask<R, std::decay_t<F>, std::decay_t<Args>...>,
                                  detail::AsyncCall<R, std::decay_t<F>, std::decay_t<Args>...>>;
  auto* task = new Task(core, std::forward<F>(f), std::forward<Args>(args)...);
  Future<R> future(detail::IntrusivePtr<detail::TypedState<R>>::adopt(task));
  core.enqueue(detail::QueueEntry(task));
  return future;
}

}  // namespace poolmark
