#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "poolmark/detail/loop_message.hpp"

/// The event loop under an AsyncExecutor, for those who connect something else to it: a library
/// with callbacks, a protocol of their own.
/// "Event Loop" of Python's asyncio documentation is the source of names and rules.
namespace poolmark {

namespace detail {
class AsyncCore;
class SleepSuspension;
}  // namespace detail

/// A turn of an event loop that kept everything else on it waiting.
struct SlowCallback {
  std::string name;                   ///< of the callable, as well as it is known
  std::chrono::nanoseconds duration;  ///< how long the turn took
};

/// Calls functions on one thread, when it is their time or when a descriptor is ready. What a
/// callback throws is written to standard error, and the loop goes on. A callback that blocks,
/// blocks the loop.
class EventLoop {
 public:
  using Callback = std::function<void()>;
  using Clock = std::chrono::steady_clock;

  /// A call that call_later() has arranged. Dropping the handle changes nothing.
  class TimerHandle {
   public:
    TimerHandle() = default;
    /// The call will not happen, unless it has. On the loop's thread.
    void cancel() noexcept;

   private:
    friend class EventLoop;
    struct Timer;
    explicit TimerHandle(std::weak_ptr<Timer> timer) noexcept : timer_(std::move(timer)) {}
    std::weak_ptr<Timer> timer_;
  };

  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  /// The loop whose thread this is; null if it is none's. Any thread.
  static EventLoop* of_this_thread() noexcept;

  /// Calls it soon, after what has been arranged before. Any thread. Does not block. False, and
  /// nothing is called, if the loop has ended.
  bool call_soon(Callback callback);

  // ---- the loop's thread only
  // --------------------------------------------------------------------

  /// Calls it once, when the delay is over; at once in the loop's next turn if it is not positive.
  TimerHandle call_later(std::chrono::nanoseconds delay, Callback callback);

  /// Calls it again and again while a read of the descriptor would not block, also because it is at
  /// its end or broken, until remove_reader(). The descriptor stays the caller's, who removes it
  /// here before closing it. A second call replaces the callback. std::system_error for what cannot
  /// be watched, like a regular file.
  void add_reader(int fd, Callback callback);
  void add_writer(int fd, Callback callback);
  /// From then on it is not called. Does nothing for a descriptor that is not watched.
  void remove_reader(int fd) noexcept;
  void remove_writer(int fd) noexcept;

  /// Calls it when the loop ends: after the last task of its executor, while descriptors can still
  /// be removed, the last arranged first. For what lives on this thread and is to go with it.
  void call_at_end(Callback callback);

  // ---- for authors of awaitables and executors
  // ---------------------------------------------------

  /// Delivers the message on the loop's thread, in the order of sending. Any thread; does not block
  /// or allocate. False, and the message stays the sender's, if the loop has ended.
  bool send(detail::LoopMessage& message) noexcept;

  /// Tells of a turn that began then and ends now if it was long; `name()` says of what. The loop's
  /// thread.
  template <class Name>
  void note_turn(Clock::time_point begun, Name&& name) noexcept {
    const auto took = Clock::now() - begun;
    if (took >= slow_callback_duration_) [[unlikely]]
      tell_of_slow(took, name());
  }

 private:
  friend class detail::AsyncCore;
  friend class detail::SleepSuspension;
  class Reactor;

  using SlowCallbackHandler = std::function<void(const SlowCallback&)>;

  EventLoop(std::chrono::nanoseconds slow_callback_duration, SlowCallbackHandler on_slow_callback);
  ~EventLoop();

  /// Calls what is to be called until end() has been called.
  void run();
  void end() noexcept;

  void tell_of_slow(std::chrono::nanoseconds took, std::string name) noexcept;

  const std::chrono::nanoseconds slow_callback_duration_;
  const SlowCallbackHandler on_slow_callback_;

  const std::unique_ptr<Reactor> reactor_;
};

}  // namespace poolmark
