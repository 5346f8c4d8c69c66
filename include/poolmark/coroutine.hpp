#pragma once

#include <chrono>
#include <concepts>
#include <coroutine>
#include <exception>
#include <type_traits>
#include <utility>
#include <variant>

#include "poolmark/detail/coroutine_chain.hpp"
#include "poolmark/detail/future_suspension.hpp"
#include "poolmark/errors.hpp"
#include "poolmark/event_loop.hpp"
#include "poolmark/future.hpp"

/// Coroutines for the event loop of an AsyncExecutor.
/// "Coroutines and Tasks" of Python's asyncio documentation is the source of the rules.
namespace poolmark {

template <class T>
class Coroutine;

namespace detail {

/// `co_await this_chain` gives the chain that the coroutine belongs to, without resting.
struct ThisChain {};
inline constexpr ThisChain this_chain;

template <class T>
class CoroutineAwaiter;

class CoroutinePromiseBase {
 public:
  std::suspend_always initial_suspend() const noexcept { return {}; }
  auto final_suspend() const noexcept { return AtEnd(); }

  /// Waiting for another coroutine makes it the next of this one's chain.
  template <class T>
  CoroutineAwaiter<T> await_transform(const Coroutine<T>& next) const {
    return CoroutineAwaiter<T>(next.handle());
  }

  /// Waiting for a future of any executor stops the coroutine, and not its thread.
  template <class T>
  auto await_transform(const Future<T>& future) const {
    return FutureSuspension<T, FutureValue::kStays>(future);
  }
  template <class T>
  auto await_transform(Future<T>&& future) const {
    return FutureSuspension<T, FutureValue::kIsTaken>(std::move(future));
  }

  /// Anything whose suspension() is a Suspension. (The suspension itself, which cannot be moved,
  /// g++ 12 would move from its temporary into the frame.)
  template <class Awaitable>
    requires std::derived_from<decltype(std::declval<const Awaitable&>().suspension()), Suspension>
  auto await_transform(const Awaitable& awaitable) const {
    return awaitable.suspension();
  }

  auto await_transform(ThisChain) const noexcept {
    struct Ready : std::suspend_never {
      CoroutineChain& await_resume() const noexcept { return *chain; }
      CoroutineChain* chain;
    };
    return Ready{{}, chain_};
  }

  CoroutineChain* chain() const noexcept { return chain_; }
  /// InvalidStateError if it has begun before.
  void begin_in(CoroutineChain& chain, std::coroutine_handle<> continuation) {
    if (chain_ != nullptr) throw InvalidStateError("a coroutine can be awaited once");
    chain_ = &chain;
    continuation_ = continuation;
  }

 private:
  struct AtEnd {
    bool await_ready() const noexcept { return false; }
    template <class Promise>
    void await_suspend(std::coroutine_handle<Promise> ended) const noexcept {
      const CoroutinePromiseBase& promise = ended.promise();
      if (promise.continuation_) {
        promise.chain_->go_on_with(promise.continuation_);
      } else {
        promise.chain_->note_end();
      }
    }
    void await_resume() const noexcept {}
  };

  CoroutineChain* chain_ = nullptr;       // none yet: not begun
  std::coroutine_handle<> continuation_;  // who awaits this one; none: it is the first of its chain
};

template <class T>
class CoroutinePromise : public CoroutinePromiseBase {
 public:
  Coroutine<T> get_return_object() noexcept;

  template <class U>
    requires std::constructible_from<T, U>
  void return_value(U&& value) {
    outcome_.template emplace<kValue>(std::forward<U>(value));
  }
  void unhandled_exception() noexcept {
    outcome_.template emplace<kError>(std::current_exception());
  }

  T take() {
    if (outcome_.index() == kError) std::rethrow_exception(std::get<kError>(outcome_));
    return std::move(std::get<kValue>(outcome_));
  }

 private:
  static constexpr std::size_t kValue = 1;
  static constexpr std::size_t kError = 2;
  std::variant<std::monostate, T, std::exception_ptr> outcome_;
};

template <>
class CoroutinePromise<void> : public CoroutinePromiseBase {
 public:
  Coroutine<void> get_return_object() noexcept;

  void return_void() const noexcept {}
  void unhandled_exception() noexcept { error_ = std::current_exception(); }

  void take() {
    if (error_) std::rethrow_exception(error_);
  }

 private:
  std::exception_ptr error_;
};

}  // namespace detail

/// What a coroutine function for an AsyncExecutor returns: `pm::Coroutine<int> f() { ... co_return
/// 1; }`. Like a coroutine object of Python's, it runs nothing until an executor is given the
/// function (`executor.submit(f)`) or another coroutine awaits it (`int x = co_await f();`), which
/// can be done once. It runs on the thread of the executor's event loop, beside the loop's other
/// coroutines: only at a co_await can another one get its turn.
///
/// A coroutine may await other coroutines, futures of every executor (the value; by reference from
/// a future that has a name), pm::sleep() and pm::with_timeout(). When its task is cancelled, the
/// await point where it rests throws CancelledError. A frame that was never begun may be destroyed.
///
/// References among the parameters must outlive the coroutine: submit() sees to that by keeping
/// copies of the function and of the arguments; for `co_await f(x)` the caller's frame does.
template <class T = void>
class [[nodiscard]] Coroutine {
  static_assert(!std::is_reference_v<T>,
                "poolmark: a coroutine may not return a reference, which could dangle in the "
                "caller's hands: return a value, a pointer or a std::reference_wrapper");

 public:
  using promise_type = detail::CoroutinePromise<T>;
  using value_type = T;

  Coroutine(Coroutine&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  Coroutine& operator=(Coroutine&& other) noexcept {
    std::swap(handle_, other.handle_);
    return *this;
  }
  ~Coroutine() {
    if (handle_) handle_.destroy();
  }

  /// For those who run it.
  std::coroutine_handle<promise_type> handle() const noexcept { return handle_; }

 private:
  friend promise_type;
  explicit Coroutine(std::coroutine_handle<promise_type> handle) noexcept : handle_(handle) {}

  std::coroutine_handle<promise_type> handle_;
};

namespace detail {

/// What a callable that returns R gives when it is submitted: of a coroutine its value.
template <class R>
struct Unwrapped {
  static constexpr bool kIsCoroutine = false;
  using type = R;
};
template <class T>
struct Unwrapped<Coroutine<T>> {
  static constexpr bool kIsCoroutine = true;
  using type = T;
};

/// The end of the time that with_timeout() allows.
class TimeLimit {
 public:
  TimeLimit(CoroutineChain& chain, std::chrono::nanoseconds limit);
  TimeLimit(const TimeLimit&) = delete;
  TimeLimit& operator=(const TimeLimit&) = delete;
  ~TimeLimit();

  /// Whether it was this limit that cancelled the chain.
  bool has_cancelled() const noexcept { return chain_.cancelled_by() == this; }

 private:
  CoroutineChain& chain_;
  EventLoop::TimerHandle timer_;
};

// A century and more; the sum with now cannot overflow.
inline constexpr std::chrono::nanoseconds kForEver = std::chrono::nanoseconds::max() / 2;

Coroutine<void> sleep_for(std::chrono::nanoseconds duration);

struct Sleep {
  /// From any std::chrono::duration. One that is not positive lets the others of the loop have a
  /// turn. std::invalid_argument for NaN.
  template <class Rep, class Period>
  Coroutine<void> operator()(std::chrono::duration<Rep, Period> duration) const {
    return sleep_for(checked_limit(duration).value_or(kForEver));
  }
};

}  // namespace detail

/// Rests for so long: `co_await pm::sleep(50ms);`. May be submitted and mapped like every coroutine
/// function. ("asyncio.sleep")
inline constexpr detail::Sleep sleep;

/// What the coroutine gives if it ends in time. Else CancelledError is thrown where it rests, and
/// when it has ended by that, TimeoutError here. ("asyncio.wait_for")
template <class T, class Rep, class Period>
Coroutine<T> with_timeout(std::chrono::duration<Rep, Period> limit, Coroutine<T> coroutine) {
  const detail::TimeLimit in_time(co_await detail::this_chain,
                                  detail::checked_limit(limit).value_or(detail::kForEver));
  try {
    co_return co_await coroutine;
  } catch (const CancelledError&) {
    if (!in_time.has_cancelled()) throw;
  }
  throw TimeoutError("the coroutine took longer than with_timeout() allows");
}

// ---- implementation
// --------------------------------------------------------------------------------

namespace detail {

template <class T>
Coroutine<T> CoroutinePromise<T>::get_return_object() noexcept {
  return Coroutine<T>(std::coroutine_handle<CoroutinePromise>::from_promise(*this));
}

inline Coroutine<void> CoroutinePromise<void>::get_return_object() noexcept {
  return Coroutine<void>(std::coroutine_handle<CoroutinePromise>::from_promise(*this));
}

template <class T>
class CoroutineAwaiter {
 public:
  explicit CoroutineAwaiter(std::coroutine_handle<CoroutinePromise<T>> next) noexcept
      : next_(next) {}

  bool await_ready() const noexcept { return false; }
  template <class Promise>
  void await_suspend(std::coroutine_handle<Promise> waiting) const {
    CoroutineChain& chain = *waiting.promise().chain();
    next_.promise().begin_in(chain, waiting);
    chain.go_on_with(next_);
  }
  T await_resume() const { return next_.promise().take(); }

 private:
  std::coroutine_handle<CoroutinePromise<T>> next_;
};

}  // namespace detail
}  // namespace poolmark
