#pragma once

#include <asio/posix/stream_descriptor.hpp>
#include <memory>
#include <utility>

#include "async/reactor.hpp"

namespace poolmark {

/// A descriptor of somebody else's, whose readiness is told as long as there are callbacks for it.
class EventLoop::Reactor::Watched : public std::enable_shared_from_this<Watched> {
 public:
  /// std::system_error if it cannot be watched.
  Watched(asio::io_context& context, int fd) : descriptor_(context, fd) {}
  ~Watched() { let_go(); }

  void set(Direction direction, Callback callback);
  /// Whether a callback is left.
  bool unset(Direction direction) noexcept;
  /// From now on its number may be another descriptor's.
  void let_go() noexcept {
    if (descriptor_.is_open()) descriptor_.release();
  }

 private:
  struct Side {
    std::shared_ptr<Callback> callback;  // shared: it may unset itself while it runs
    bool is_waiting = false;
  };

  Side& side(Direction direction) noexcept {
    return direction == Direction::kRead ? read_ : write_;
  }
  void wait(Direction direction);
  void tell(Direction direction);

  asio::posix::stream_descriptor descriptor_;
  Side read_;
  Side write_;
};

}  // namespace poolmark
