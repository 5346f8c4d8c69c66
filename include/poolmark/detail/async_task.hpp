#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>

#include "poolmark/coroutine.hpp"
#include "poolmark/detail/async_core.hpp"
#include "poolmark/detail/call_task.hpp"
#include "poolmark/detail/callable_name.hpp"
#include "poolmark/detail/task_memory.hpp"

// The tasks of an async executor. run() is called by the loop's thread, claims the task itself, and
// leads to note_ended() when the task is over.
namespace poolmark::detail {

/// A call that runs to its end at once, while the loop waits for it.
template <class R, class F, class... Args>
class AsyncCall final : public CallTask<R, F, Args...>,
                        public InTaskMemory<AsyncCall<R, F, Args...>> {
 public:
  /// Begins with one handle and an entry.
  template <class G, class... Given>
  explicit AsyncCall(AsyncCore& core, G&& f, Given&&... given)
      : CallTask<R, F, Args...>(FutureState::Entry::kHeld, std::forward<G>(f),
                                std::forward<Given>(given)...),
        core_(&core),
        name_(CallableName::of<F>(f)) {}

  void run() override {
    const IntrusivePtr<AsyncCore> core = core_;  // this object may be gone when it has completed
    const CallableName name = name_;
    if (this->try_claim()) {
      const auto begun = EventLoop::Clock::now();
      CallTask<R, F, Args...>::run();
      core->loop().note_turn(begun, [&] { return name.text(); });
    } else {
      this->release_entry();
    }
    core->note_ended();
  }

  void discard() noexcept override {
    CallTask<R, F, Args...>::discard();
    // In a forked child locks may be held for ever by the loop's thread, which is not here.
    if (!this->is_inherited()) core_->note_discarded();
  }

  void before_wait() override { core_->refuse_to_block(); }
  const EventLoop* event_loop() const noexcept override { return &core_->loop(); }

 private:
  const IntrusivePtr<AsyncCore> core_;
  const CallableName name_;
};

/// A coroutine, which begins, rests and goes on until it ends. Its future stays pending in its
/// state, so that it can be cancelled at any time: then it is done at once, and the coroutine is
/// told at its await point. `stage_` says whether it has begun.
template <class T, class F, class... Args>
class CoroutineTask final : public TypedState<T>,
                            private CoroutineChain,
                            private LoopMessage,
                            public InTaskMemory<CoroutineTask<T, F, Args...>> {
 public:
  /// Begins with one handle and an entry.
  template <class... Given>
  explicit CoroutineTask(AsyncCore& core, Given&&... given)
      : TypedState<T>(kHandles, FutureState::Entry::kHeld),
        CoroutineChain(core.loop()),
        core_(&core) {
    ::new (call_) Call(std::forward<Given>(given)...);
  }
  ~CoroutineTask() override {
    if (stage_.load(std::memory_order_relaxed) == Stage::kWaits) destroy_call();
  }

  void run() override {
    if (!leave_stage(Stage::kBegun)) return let_go();
    try {
      auto invoke = [](F& f, Args&... args) -> Coroutine<T> {
        return std::invoke(f, std::move(args)...);
      };
      coroutine_.emplace(std::apply(invoke, call()));
    } catch (...) {
      // The function is no coroutine itself, and threw before it gave one.
      return end_with_error(std::current_exception());
    }
    coroutine_->handle().promise().begin_in(*this, nullptr);
    CoroutineChain::resume(coroutine_->handle());
  }

  /// It has been cancelled. If it has begun, the loop tells the coroutine.
  void discard() noexcept override {
    const bool has_begun = !leave_stage(Stage::kDiscarded);
    if (!has_begun) destroy_call();
    // In a forked child locks may be held for ever by the loop's thread, which is not here.
    if (this->is_inherited()) return;
    if (!has_begun) return core_->note_discarded();
    // The message keeps a handle. Refused by a loop that has ended, as the coroutine has.
    this->add_ref();
    if (!core_->loop().send(*this)) this->drop_ref();
  }

  bool has_started() const noexcept override {
    return stage_.load(std::memory_order_relaxed) == Stage::kBegun;
  }

  void before_wait() override { core_->refuse_to_block(); }
  const EventLoop* event_loop() const noexcept override { return &core_->loop(); }

 private:
  using Call = std::tuple<F, Args...>;
  static constexpr std::uint32_t kHandles = 1;

  enum class Stage : std::uint8_t { kWaits, kBegun, kDiscarded };

  /// Of the loop that begins it and a thread that cancels it, one is first.
  bool leave_stage(Stage next) noexcept {
    Stage waits = Stage::kWaits;
    // Acquire: whoever destroys the call comes after its construction.
    return stage_.compare_exchange_strong(waits, next, std::memory_order_acq_rel,
                                          std::memory_order_relaxed);
  }

  // ---- of the message: it was cancelled after it had begun
  void deliver() noexcept override {
    const IntrusivePtr<CoroutineTask> kept = IntrusivePtr<CoroutineTask>::adopt(this);
    if (coroutine_) CoroutineChain::cancel(this);
  }

  // ---- of the chain
  void end() noexcept override {
    if (!this->try_begin_completing()) return destroy_and_let_go();  // it was cancelled
    Phase outcome = Phase::kValue;
    try {
      if constexpr (std::is_void_v<T>) {
        coroutine_->handle().promise().take();
        this->emplace_value();
      } else {
        this->emplace_value(coroutine_->handle().promise().take());
      }
    } catch (...) {
      this->set_error(std::current_exception());
      outcome = Phase::kError;
    }
    complete_with(outcome);
  }

  std::string name() const override { return CallableName::of(std::get<0>(call())).text(); }

  // ---- the end
  void end_with_error(std::exception_ptr error) noexcept {
    if (!this->try_begin_completing()) return destroy_and_let_go();
    this->set_error(std::move(error));
    complete_with(Phase::kError);
  }

  void complete_with(Phase outcome) noexcept {
    const IntrusivePtr<AsyncCore> core = core_;
    // Before the outcome is published: whoever has the result knows that the arguments are gone.
    destroy();
    this->complete(outcome);
    core->note_ended();
  }

  void destroy_and_let_go() noexcept {
    destroy();
    let_go();
  }

  void let_go() noexcept {
    const IntrusivePtr<AsyncCore> core = core_;
    this->release_entry();
    core->note_ended();
  }

  void destroy() noexcept {
    coroutine_.reset();
    destroy_call();
  }

  Call& call() noexcept { return *std::launder(reinterpret_cast<Call*>(call_)); }
  const Call& call() const noexcept { return *std::launder(reinterpret_cast<const Call*>(call_)); }
  void destroy_call() noexcept { std::destroy_at(&call()); }

  const IntrusivePtr<AsyncCore> core_;
  // Who destroys the call. Relaxed where only asked: the answer may be old in any case.
  std::atomic<Stage> stage_{Stage::kWaits};
  std::optional<Coroutine<T>> coroutine_;  // the loop's own
  alignas(Call) std::byte call_[sizeof(Call)];
};

}  // namespace poolmark::detail
