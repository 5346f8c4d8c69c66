#pragma once

#include <coroutine>
#include <string>

namespace poolmark {

class EventLoop;

namespace detail {

class Suspension;

/// Coroutines of which each awaits the next, run by an event loop as one task. Everything here
/// belongs to the loop's thread.
class CoroutineChain {
 public:
  CoroutineChain(const CoroutineChain&) = delete;
  CoroutineChain& operator=(const CoroutineChain&) = delete;

  EventLoop& loop() const noexcept { return *loop_; }

  /// Runs `last`, the coroutine at the end of the chain, up to where it rests next. The chain may
  /// be gone afterwards. Only from the loop itself, never from within a chain.
  void resume(std::coroutine_handle<> last) noexcept;

  /// The await point at which the chain rests throws CancelledError. The chain may be gone
  /// afterwards. Only from the loop itself, which finds the chain resting as long as it has not
  /// ended.
  void cancel(const void* by) noexcept;
  /// Who called cancel() last; null: nobody.
  const void* cancelled_by() const noexcept { return cancelled_by_; }

  /// The coroutine that runs rests now, and this one goes on, or begins. (Resuming it from within
  /// needs a stack that grows with each await, unless the compiler turns the call into a jump.)
  void go_on_with(std::coroutine_handle<> next) noexcept { next_ = next; }

  /// The first coroutine has run to its end; it is destroyed when resume() comes back to the loop.
  void note_end() noexcept { has_ended_ = true; }

 protected:
  explicit CoroutineChain(EventLoop& loop) noexcept : loop_(&loop) {}
  ~CoroutineChain() = default;

 private:
  friend class Suspension;

  /// The first coroutine rests at its end. May destroy the chain.
  virtual void end() noexcept = 0;
  /// What the chain runs, for people.
  virtual std::string name() const = 0;

  EventLoop* loop_;
  std::coroutine_handle<> next_;    // to go on with, when the one that runs has come back
  Suspension* rests_at_ = nullptr;  // null: it runs, or has not begun
  const void* cancelled_by_ = nullptr;
  bool has_ended_ = false;
};

/// What `co_await` rests at when it is no coroutine: the base class of all that a chain can wait
/// for. Lives in the frame of the coroutine that rests. On the loop's thread, but for what a
/// derived class says.
class Suspension {
 public:
  Suspension(const Suspension&) = delete;
  Suspension& operator=(const Suspension&) = delete;

  bool await_ready() const noexcept { return false; }

  template <class Promise>
  bool await_suspend(std::coroutine_handle<Promise> resting) {
    chain_ = resting.promise().chain();
    resting_ = resting;
    return rest();
  }

  /// Throws CancelledError if the chain was cancelled here.
  void await_resume() const;

 protected:
  Suspension() = default;
  ~Suspension() = default;

  CoroutineChain& chain() const noexcept { return *chain_; }

  /// The event has come: the coroutine runs on, and this object may be gone when it returns.
  void go_on() noexcept;

 private:
  friend class CoroutineChain;

  /// Begins to wait for the event; false if there is nothing to wait for.
  virtual bool begin() = 0;
  /// Waits no more: go_on() will not be called. False if the event has come already, and will call
  /// it.
  virtual bool stop() noexcept = 0;

  bool rest();

  CoroutineChain* chain_ = nullptr;
  std::coroutine_handle<> resting_;
  bool is_cancelled_ = false;
};

}  // namespace detail
}  // namespace poolmark
