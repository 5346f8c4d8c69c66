#include "poolmark/event_loop.hpp"

#include <fmt/core.h>

#include <asio/steady_timer.hpp>
#include <cstdio>
#include <exception>
#include <utility>

#include "async/call_back.hpp"
#include "async/reactor.hpp"
#include "poolmark/detail/type_name.hpp"

namespace poolmark {
namespace {

thread_local EventLoop* loop_of_this_thread = nullptr;

/// A call of call_soon(), on its way to the loop.
class CallMessage final : public detail::LoopMessage {
 public:
  CallMessage(EventLoop& loop, EventLoop::Callback callback)
      : loop_(loop), callback_(std::move(callback)) {}

  void deliver() noexcept override {
    detail::call_back(loop_, callback_);
    delete this;
  }

 private:
  EventLoop& loop_;
  EventLoop::Callback callback_;
};

}  // namespace

namespace detail {

void call_back(EventLoop& loop, const std::function<void()>& callback) noexcept {
  const auto begun = EventLoop::Clock::now();
  try {
    callback();
  } catch (...) {
    fmt::print(stderr, "poolmark: a callback of an event loop threw {}\n",
               describe_exception(std::current_exception()));
  }
  loop.note_turn(begun, [&] { return type_name(callback.target_type()); });
}

}  // namespace detail

EventLoop::EventLoop(std::chrono::nanoseconds slow_callback_duration,
                     SlowCallbackHandler on_slow_callback)
    : slow_callback_duration_(slow_callback_duration),
      on_slow_callback_(std::move(on_slow_callback)),
      reactor_(std::make_unique<Reactor>()) {}

EventLoop::~EventLoop() = default;

EventLoop* EventLoop::of_this_thread() noexcept { return loop_of_this_thread; }

void EventLoop::run() {
  loop_of_this_thread = this;
  reactor_->run();
  loop_of_this_thread = nullptr;
}

void EventLoop::end() noexcept { reactor_->end(); }

bool EventLoop::send(detail::LoopMessage& message) noexcept {
  const bool is_own = of_this_thread() == this;
  return reactor_->send(message, is_own ? Reactor::Sender::kLoop : Reactor::Sender::kAnyThread);
}

bool EventLoop::call_soon(Callback callback) {
  auto message = std::make_unique<CallMessage>(*this, std::move(callback));
  if (!send(*message)) return false;
  message.release();
  return true;
}

void EventLoop::tell_of_slow(std::chrono::nanoseconds took, std::string name) noexcept {
  try {
    on_slow_callback_({.name = std::move(name), .duration = took});
  } catch (...) {
    fmt::print(stderr, "poolmark: on_slow_callback threw {}\n",
               detail::describe_exception(std::current_exception()));
  }
}

void EventLoop::call_at_end(Callback callback) { reactor_->call_at_end(std::move(callback)); }

// ---- timers
// --------------------------------------------------------------------------------------

struct EventLoop::TimerHandle::Timer {
  Timer(EventLoop& its_loop, Callback its_callback)
      : timer(its_loop.reactor_->context()), loop(its_loop), callback(std::move(its_callback)) {}

  asio::steady_timer timer;
  EventLoop& loop;
  Callback callback;
  bool is_cancelled = false;
};

EventLoop::TimerHandle EventLoop::call_later(std::chrono::nanoseconds delay, Callback callback) {
  const auto timer = std::make_shared<TimerHandle::Timer>(*this, std::move(callback));
  timer->timer.expires_after(delay);
  timer->timer.async_wait([timer](const asio::error_code&) {
    if (!timer->is_cancelled) detail::call_back(timer->loop, timer->callback);
  });
  return TimerHandle(timer);
}

void EventLoop::TimerHandle::cancel() noexcept {
  const auto timer = timer_.lock();
  if (!timer) return;
  timer->is_cancelled = true;
  timer->timer.cancel();
}

// ---- descriptors
// ---------------------------------------------------------------------------------

void EventLoop::add_reader(int fd, Callback callback) {
  reactor_->watch(fd, Reactor::Direction::kRead, std::move(callback));
}

void EventLoop::add_writer(int fd, Callback callback) {
  reactor_->watch(fd, Reactor::Direction::kWrite, std::move(callback));
}

void EventLoop::remove_reader(int fd) noexcept { reactor_->unwatch(fd, Reactor::Direction::kRead); }

void EventLoop::remove_writer(int fd) noexcept {
  reactor_->unwatch(fd, Reactor::Direction::kWrite);
}

}  // namespace poolmark
