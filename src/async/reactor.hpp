#pragma once

#include <asio/io_context.hpp>
#include <asio/posix/stream_descriptor.hpp>
#include <memory>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

#include "async/loop_inbox.hpp"
#include "poolmark/event_loop.hpp"

namespace poolmark {

/// What stands behind an event loop: Asio's timers and readiness of descriptors, and an inbox for
/// other threads, who ring a bell that the loop listens to.
class EventLoop::Reactor {
 public:
  /// std::system_error if there are no descriptors left.
  Reactor();
  ~Reactor();

  asio::io_context& context() noexcept { return *context_; }

  /// The loop's own thread needs no bell: it looks into the inbox before it sleeps.
  enum class Sender { kAnyThread, kLoop };
  bool send(detail::LoopMessage& message, Sender sender) noexcept;

  /// Runs handlers and delivers messages until end(). Then nothing is accepted any more, and the
  /// descriptors are closed.
  void run();
  void end() noexcept { context_->stop(); }

  enum class Direction { kRead, kWrite };
  void watch(int fd, Direction direction, Callback callback);
  void unwatch(int fd, Direction direction) noexcept;

  void call_at_end(Callback callback) { at_end_.push_back(std::move(callback)); }

 private:
  class Watched;

  void listen_to_bell();
  void ring_bell() noexcept;
  void close() noexcept;

  detail::LoopInbox inbox_;
  std::optional<asio::io_context> context_;
  std::optional<asio::posix::stream_descriptor> bell_;
  std::unordered_map<int, std::shared_ptr<Watched>> watched_;
  std::vector<Callback> at_end_;
};

}  // namespace poolmark
