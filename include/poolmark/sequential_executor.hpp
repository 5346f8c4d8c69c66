#pragma once

#include <atomic>
#include <utility>

#include "poolmark/detail/intrusive_ptr.hpp"
#include "poolmark/detail/program_end.hpp"
#include "poolmark/executor.hpp"
#include "poolmark/map.hpp"

namespace poolmark {

/// Runs every task inside submit(), in the calling thread: the reference against which pools are
/// measured, and a way to debug. Its futures are done when submit() returns.
class SequentialExecutor : public MapMember<SequentialExecutor> {
 public:
  /// A copyable way to submit that stays safe when the executor is gone.
  class Submitter {
   public:
    static constexpr bool kSharesMemory = true;

    template <class F, class... Args>
    Future<task_result_t<F, Args...>> submit(F&& f, Args&&... args);
    int max_workers() const noexcept { return 1; }

   private:
    friend class SequentialExecutor;
    struct Core : detail::RefCounted {
      // Relaxed: only a flag; nothing is published with it.
      std::atomic<bool> closed{false};
    };
    explicit Submitter(detail::IntrusivePtr<Core> core) : core_(std::move(core)) {}
    detail::IntrusivePtr<Core> core_;
  };

  SequentialExecutor() : core_(detail::make_intrusive<Submitter::Core>()) {
    detail::notice_the_end_of_the_program();
  }
  SequentialExecutor(const SequentialExecutor&) = delete;
  SequentialExecutor& operator=(const SequentialExecutor&) = delete;
  ~SequentialExecutor() { shutdown(); }

  /// Calls f(args...), copies of both, before it returns; what f throws is in the future.
  /// ShutdownError after shutdown(). Any thread may call it; each runs its own call.
  template <class F, class... Args>
    requires std::invocable<std::decay_t<F>, std::decay_t<Args>...>
  Future<task_result_t<F, Args...>> submit(F&& f, Args&&... args) {
    return submitter().submit(std::forward<F>(f), std::forward<Args>(args)...);
  }

  /// Refuses further work. Never blocks: there is nothing to wait for.
  void shutdown(const ShutdownOptions& = {}) noexcept {
    core_->closed.store(true, std::memory_order_relaxed);
  }

  int max_workers() const noexcept { return 1; }
  Submitter submitter() const { return Submitter(core_); }

 private:
  detail::IntrusivePtr<Submitter::Core> core_;
};

static_assert(Executor<SequentialExecutor>);

template <class F, class... Args>
Future<task_result_t<F, Args...>> SequentialExecutor::Submitter::submit(F&& f, Args&&... args) {
  if (core_->closed.load(std::memory_order_relaxed)) {
    throw ShutdownError("submit() after shutdown(): the sequential executor takes no more work");
  }
  detail::refuse_if_the_program_ends();
  using R = task_result_t<F, Args...>;
  using Task = detail::CallTask<R, std::decay_t<F>, std::decay_t<Args>...>;
  const auto task = detail::IntrusivePtr<Task>::adopt(
      new Task(Task::Entry::kNone, std::forward<F>(f), std::forward<Args>(args)...));
  task->try_claim();
  task->run();
  return Future<R>(detail::IntrusivePtr<detail::TypedState<R>>(task.get()));
}

}  // namespace poolmark
