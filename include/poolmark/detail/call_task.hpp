#pragma once

#include <cstddef>
#include <exception>
#include <functional>
#include <memory>
#include <new>
#include <tuple>
#include <type_traits>
#include <utility>

#include "poolmark/detail/typed_state.hpp"
#include "poolmark/errors.hpp"

namespace poolmark {

/// What calling a copy of F with copies of Args returns, as std::async does it.
template <class F, class... Args>
using task_result_t = std::invoke_result_t<std::decay_t<F>, std::decay_t<Args>...>;

namespace detail {

/// A callable with its arguments and the place for its outcome, run in this process.
template <class R, class F, class... Args>
class CallTask : public TypedState<R> {
 public:
  using typename FutureState::Entry;

  /// Begins with one handle.
  template <class... Given>
  explicit CallTask(Entry entry, Given&&... given) : TypedState<R>(kHandles, entry) {
    ::new (call_) Call(std::forward<Given>(given)...);
  }
  ~CallTask() override {
    if (!is_done(this->phase())) destroy_call();
  }

  void run() override {
    Phase outcome = Phase::kValue;
    try {
      invoke_and_store();
    } catch (...) {
      std::exception_ptr error = std::current_exception();
      if (!error) {
        // No exception of C++: pthread_cancel() or pthread_exit() in a task. It must go on
        // unwinding, or the process ends. (A handler for abi::__forced_unwind& would bind a
        // reference to nothing, which the sanitizers report.)
        this->set_error(std::make_exception_ptr(Error("the thread that ran the task was ended")));
        destroy_call();
        this->complete(Phase::kError);
        throw;
      }
      this->set_error(std::move(error));
      outcome = Phase::kError;
    }
    // Before the outcome is published: whoever has the result knows that the arguments are gone.
    destroy_call();
    this->complete(outcome);
  }

  void discard() noexcept override { destroy_call(); }

 private:
  using Call = std::tuple<F, Args...>;
  static constexpr std::uint32_t kHandles = 1;

  Call& call() noexcept { return *std::launder(reinterpret_cast<Call*>(call_)); }
  void destroy_call() noexcept { std::destroy_at(&call()); }

  void invoke_and_store() {
    auto invoke = [](F& f, Args&... args) -> R {
      return std::invoke(std::move(f), std::move(args)...);
    };
    if constexpr (std::is_void_v<R>) {
      std::apply(invoke, call());
      this->emplace_value();
    } else {
      this->emplace_value(std::apply(invoke, call()));
    }
  }

  // There until the task has run, or is known never to run: as long as the future is not done.
  alignas(Call) std::byte call_[sizeof(Call)];
};

}  // namespace detail
}  // namespace poolmark
