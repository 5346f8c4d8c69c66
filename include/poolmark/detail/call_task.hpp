#pragma once

#include <exception>
#include <functional>
#include <optional>
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
  template <class... Given>
  explicit CallTask(Given&&... given) : call_(std::in_place, std::forward<Given>(given)...) {}

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
        call_.reset();
        this->complete(Phase::kError);
        throw;
      }
      this->set_error(std::move(error));
      outcome = Phase::kError;
    }
    // Before the outcome is published: whoever has the result knows that the arguments are gone.
    call_.reset();
    this->complete(outcome);
  }

  void discard() noexcept override { call_.reset(); }

 private:
  void invoke_and_store() {
    auto invoke = [](F& f, Args&... args) -> R {
      return std::invoke(std::move(f), std::move(args)...);
    };
    if constexpr (std::is_void_v<R>) {
      std::apply(invoke, *call_);
      this->emplace_value();
    } else {
      this->emplace_value(std::apply(invoke, *call_));
    }
  }

  std::optional<std::tuple<F, Args...>> call_;
};

}  // namespace detail
}  // namespace poolmark
