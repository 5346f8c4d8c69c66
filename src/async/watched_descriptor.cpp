#include "async/watched_descriptor.hpp"

#include "async/call_back.hpp"

namespace poolmark {

void EventLoop::Reactor::Watched::set(Direction direction, Callback callback) {
  side(direction).callback = std::make_shared<Callback>(std::move(callback));
  if (!side(direction).is_waiting) wait(direction);
}

bool EventLoop::Reactor::Watched::unset(Direction direction) noexcept {
  side(direction).callback = nullptr;
  return read_.callback || write_.callback;
}

void EventLoop::Reactor::Watched::wait(Direction direction) {
  using Descriptor = asio::posix::stream_descriptor;
  const auto kind = direction == Direction::kRead ? Descriptor::wait_read : Descriptor::wait_write;
  descriptor_.async_wait(kind,
                         [weak = weak_from_this(), direction](const asio::error_code& failed) {
                           if (const auto self = weak.lock(); self && !failed)
                             self->tell(direction);
                         });
  side(direction).is_waiting = true;
}

void EventLoop::Reactor::Watched::tell(Direction direction) {
  side(direction).is_waiting = false;
  if (const auto callback = side(direction).callback)
    detail::call_back(*of_this_thread(), *callback);
  // The callback may have unset it, or set it anew.
  if (side(direction).callback && !side(direction).is_waiting) wait(direction);
}

}  // namespace poolmark
