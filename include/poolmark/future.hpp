#pragma once

#include <fmt/format.h>

#include <chrono>
#include <compare>
#include <cstddef>
#include <exception>
#include <functional>
#include <iosfwd>
#include <string>
#include <type_traits>
#include <utility>

#include "poolmark/detail/text_formatter.hpp"
#include "poolmark/detail/typed_state.hpp"
#include "poolmark/errors.hpp"

/// Futures: handles to the outcome of work that runs elsewhere.
/// Meaning and names follow "Future Objects" of Python's concurrent.futures documentation; where
/// poolmark differs on purpose, the comment says so.
namespace poolmark {

/// How a future stands. (CPython's CANCELLED_AND_NOTIFIED does not exist: waiters see a cancelled
/// future as done at once.)
enum class FutureStatus {
  Pending,    ///< not begun; cancel() succeeds
  Running,    ///< being executed; cancel() fails
  Cancelled,  ///< done: it will never run
  Finished,   ///< done: with a value or an exception
};

/// A future at one moment: AnyFuture::snapshot().
struct AnyFutureSnapshot {
  FutureStatus status = FutureStatus::Pending;
  std::exception_ptr exception = nullptr;  ///< what the task threw, if it is Finished so
};

/// A future at one moment: Future::snapshot().
template <class T>
struct FutureSnapshot {
  FutureStatus status = FutureStatus::Pending;
  /// The value in the future, if it is Finished so and take() has not moved it out: there as long
  /// as a handle is, and until take(). Of a future of void a std::monostate.
  const detail::Stored<T>* value = nullptr;
  std::exception_ptr exception = nullptr;  ///< what the task threw, if it is Finished so
};

/// A future whose value type is not known: what wait() and as_completed() need when futures of
/// several types or executors are mixed.
///
/// A handle: copies refer to the same future, comparison and hash go by identity. All members may
/// be called from any thread, many at once, on the same or on different handles of one future.
/// A default-constructed handle refers to nothing; only valid(), comparison, assignment and
/// destruction may be used on it. Dropping the last handle neither blocks nor cancels.
class AnyFuture {
 public:
  AnyFuture() = default;
  explicit AnyFuture(detail::IntrusivePtr<detail::FutureState> state) noexcept
      : state_(std::move(state)) {}

  /// Whether the handle refers to a future.
  bool valid() const noexcept { return static_cast<bool>(state_); }

  /// Cancelled, or finished with a value or an exception. Never blocks.
  bool done() const noexcept { return detail::is_done(state_->phase()); }
  /// Being executed now, so that it cannot be cancelled any more. Never blocks.
  bool running() const noexcept { return state_->observed_phase() == detail::Phase::kRunning; }
  /// Cancelled before it ran. Never blocks.
  bool cancelled() const noexcept { return state_->phase() == detail::Phase::kCancelled; }

  /// How the future stands and what it threw, of one and the same moment, where done(), running()
  /// and exception() one after the other may tell of three. Never blocks.
  AnyFutureSnapshot snapshot() const noexcept { return snapshot_of(state_->observed_phase()); }

  /// Cancels the task unless it has started; true if it is cancelled now (also when it was
  /// before). Waiters see a cancelled future as done at once, and its callbacks run inside this
  /// call. (CPython's wait() does not notice until a worker does: cpython#109934.)
  bool cancel() const { return state_->request_cancel(); }

  /// Blocks until done, for ever or for `timeout`; null on success, else what the task threw.
  /// Throws CancelledError if the future was cancelled and TimeoutError if the time was over. In a
  /// task of a thread pool, waiting for ever may run the awaited task, or throw DeadlockError: see
  /// ThreadPoolExecutor.
  std::exception_ptr exception() const { return exception_by(std::nullopt); }
  template <class Rep, class Period>
  std::exception_ptr exception(std::chrono::duration<Rep, Period> timeout) const {
    return exception_by(detail::deadline_after(timeout));
  }

  /// Calls `callback(future)` once, when the future is done: in the thread that completes or
  /// cancels it, or here and now if it is done already. Callbacks run in the order they were
  /// added, after waiting threads have been released. What a callback throws goes to the handler
  /// of set_callback_error_handler(), never to the caller. Does not block.
  template <std::invocable<const AnyFuture&> F>
  void add_done_callback(F&& callback) const {
    add_callback_as<AnyFuture>(std::forward<F>(callback));
  }

  friend bool operator==(const AnyFuture&, const AnyFuture&) = default;
  friend std::strong_ordering operator<=>(const AnyFuture& a, const AnyFuture& b) noexcept {
    return std::compare_three_way{}(a.state_.get(), b.state_.get());
  }

  /// The future's state, for authors of executors and waiters.
  const detail::IntrusivePtr<detail::FutureState>& state() const noexcept { return state_; }

 protected:
  AnyFutureSnapshot snapshot_of(detail::Phase phase) const noexcept;

  template <class Handle, class F>
  void add_callback_as(F&& callback) const;

  /// Blocks until done; throws CancelledError or TimeoutError as exception() does.
  void await(const detail::Deadline& deadline) const;
  /// Blocks until done and throws unless there is a value to be read.
  void await_value(const detail::Deadline& deadline) const;

 private:
  std::exception_ptr exception_by(const detail::Deadline& deadline) const;

  detail::IntrusivePtr<detail::FutureState> state_;
};

/// The outcome of a task that returns T. See AnyFuture for what all futures can do.
template <class T>
class Future : public AnyFuture {
 public:
  using value_type = T;
  /// What result() yields on a named future: the value stays in the future.
  using const_reference = std::add_lvalue_reference_t<const T>;

  Future() = default;
  explicit Future(detail::IntrusivePtr<detail::TypedState<T>> state) noexcept
      : AnyFuture(std::move(state)) {}

  /// Blocks until done, for ever or for `timeout`, and returns the value, which may be read many
  /// times from many threads and lives as long as a handle does. Throws what the task threw,
  /// CancelledError, TimeoutError, InvalidStateError if take() moved the value out, and in a task
  /// of a thread pool DeadlockError, as exception() does.
  const_reference result() const& { return value_by(std::nullopt); }
  template <class Rep, class Period>
  const_reference result(std::chrono::duration<Rep, Period> timeout) const& {
    return value_by(detail::deadline_after(timeout));
  }

  /// On a temporary handle the value is returned by copy, so that `pool.submit(f).result()` never
  /// dangles. For a type that only moves: std::move(future).take().
  T result() && { return copy_value_by(std::nullopt); }
  template <class Rep, class Period>
  T result(std::chrono::duration<Rep, Period> timeout) && {
    return copy_value_by(detail::deadline_after(timeout));
  }

  /// AnyFuture::snapshot(), and the value:
  /// `if (auto [status, value, error] = future.snapshot(); value) use(*value);`
  FutureSnapshot<T> snapshot() const noexcept {
    const detail::Phase phase = state()->observed_phase();
    AnyFutureSnapshot any = snapshot_of(phase);
    const bool has_value = phase == detail::Phase::kValue;
    return {.status = any.status,
            .value = has_value ? &std::as_const(typed_state()).value() : nullptr,
            .exception = std::move(any.exception)};
  }

  /// Blocks like result() and moves the value out: once, for all handles. Later result() and
  /// take() throw InvalidStateError. No other thread may be reading the value.
  T take() && {
    await_value(std::nullopt);
    if (!state()->try_take()) throw InvalidStateError("the value was taken before by take()");
    if constexpr (!std::is_void_v<T>) return typed_state().extract_value();
  }

  template <std::invocable<const Future&> F>
  void add_done_callback(F&& callback) const {
    this->template add_callback_as<Future>(std::forward<F>(callback));
  }

 private:
  detail::TypedState<T>& typed_state() const noexcept {
    return static_cast<detail::TypedState<T>&>(*state());
  }

  const_reference value_by(const detail::Deadline& deadline) const {
    await_value(deadline);
    if constexpr (!std::is_void_v<T>) return std::as_const(typed_state()).value();
  }

  T copy_value_by(const detail::Deadline& deadline) const {
    static_assert(std::is_void_v<T> || std::is_copy_constructible_v<T>,
                  "poolmark: result() on a temporary future copies the value, and this type cannot "
                  "be copied: name the future, or use std::move(future).take()");
    return value_by(deadline);
  }
};

/// Called with what a done-callback threw. The default writes one line to standard error.
using CallbackErrorHandler = void (*)(const AnyFuture& future, std::exception_ptr error) noexcept;

/// Sets the handler for the whole process and returns the one before; null restores the default.
/// Any thread may call it.
CallbackErrorHandler set_callback_error_handler(CallbackErrorHandler handler) noexcept;

/// How a future is completed: the writing end, for authors of executors.
/// "Future Objects" of Python's documentation lists the same calls as meant for executors and
/// tests. A Promise may be moved, not copied; one that is destroyed before it has set an outcome
/// leaves a BrokenExecutor in the future, so that no waiter hangs.
template <class T>
class Promise {
 public:
  Promise() : state_(detail::make_intrusive<State>()) {}
  Promise(Promise&&) noexcept = default;
  Promise& operator=(Promise&& other) noexcept {
    abandon();
    state_ = std::move(other.state_);
    return *this;
  }
  ~Promise() { abandon(); }

  Future<T> get_future() const { return Future<T>(state_); }

  /// Claims the future: true, and from now on cancel() fails; or false if it was cancelled.
  /// InvalidStateError if it was claimed before.
  bool set_running_or_notify_cancel() { return state_->claim(); }

  /// Completes the future and runs its callbacks in this thread. InvalidStateError if it is done
  /// already: the first outcome stays.
  template <class... Args>
  void set_result(Args&&... args) {
    if (!try_set_result(std::forward<Args>(args)...)) throw already_done();
  }
  void set_exception(std::exception_ptr error) {
    if (!try_set_exception(std::move(error))) throw already_done();
  }

  /// The same, but false instead of InvalidStateError.
  template <class... Args>
  bool try_set_result(Args&&... args) {
    if (!state_->try_begin_completing()) return false;
    detail::Phase outcome = detail::Phase::kValue;
    try {
      state_->emplace_value(std::forward<Args>(args)...);
    } catch (...) {
      state_->set_error(std::current_exception());
      outcome = detail::Phase::kError;
    }
    state_->complete(outcome);
    return true;
  }
  bool try_set_exception(std::exception_ptr error) {
    if (!error)
      throw std::invalid_argument("set_exception() needs an exception, not a null pointer");
    return state_->fail(std::move(error));
  }

 private:
  class State final : public detail::TypedState<T> {};

  static InvalidStateError already_done() {
    return InvalidStateError("the future has an outcome already; the first one stays");
  }

  void abandon() noexcept {
    if (!state_ || detail::is_done(state_->phase())) return;
    try_set_exception(std::make_exception_ptr(
        BrokenExecutor("the promise was destroyed before it set a result or an exception")));
  }

  detail::IntrusivePtr<State> state_;
};

/// `<Future at 0x55e4c0 state=finished returned int>`, as Python prints it. The same through fmt.
std::string to_string(const AnyFuture& future);
std::ostream& operator<<(std::ostream& out, const AnyFuture& future);

// ---- implementation
// --------------------------------------------------------------------------------

namespace detail {

void report_callback_error(FutureState& done, std::exception_ptr error) noexcept;

template <class Handle, class F>
class CallbackOf final : public Callback {
 public:
  explicit CallbackOf(F function) : function_(std::move(function)) {}

  void run(FutureState& done) noexcept override {
    try {
      const Handle handle = handle_of(done);
      std::invoke(std::move(function_), handle);
    } catch (...) {
      report_callback_error(done, std::current_exception());
    }
  }

 private:
  static Handle handle_of(FutureState& done) {
    if constexpr (std::is_same_v<Handle, AnyFuture>) {
      return AnyFuture(IntrusivePtr<FutureState>(&done));
    } else {
      using State = TypedState<typename Handle::value_type>;
      return Handle(IntrusivePtr<State>(static_cast<State*>(&done)));
    }
  }

  F function_;
};

}  // namespace detail

template <class Handle, class F>
void AnyFuture::add_callback_as(F&& callback) const {
  state_->add_callback(new detail::CallbackOf<Handle, std::decay_t<F>>(std::forward<F>(callback)));
}

}  // namespace poolmark

template <>
struct std::hash<poolmark::AnyFuture> {
  std::size_t operator()(const poolmark::AnyFuture& future) const noexcept {
    return std::hash<const void*>{}(future.state().get());
  }
};

template <class T>
struct std::hash<poolmark::Future<T>> : std::hash<poolmark::AnyFuture> {};

template <class F>
  requires std::derived_from<F, poolmark::AnyFuture>
struct fmt::formatter<F> : poolmark::detail::TextFormatter {
  template <class Context>
  auto format(const F& future, Context& context) const {
    return write(poolmark::to_string(future), context);
  }
};
