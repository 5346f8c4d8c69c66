#include "async/reactor.hpp"

#include <sys/eventfd.h>
#include <sys/stat.h>

#include <cerrno>
#include <system_error>

#include "async/call_back.hpp"
#include "async/watched_descriptor.hpp"
#include "process/owned_fd.hpp"

namespace poolmark {
namespace {

constexpr int kOneThread = 1;  // runs the handlers: Asio need not look for others

detail::OwnedFd make_bell() {
  detail::OwnedFd bell(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!bell) detail::throw_system_error("an event loop gets no descriptor for its bell");
  return bell;
}

/// What is always ready cannot be waited for: epoll refuses it.
void refuse_regular_file(int fd) {
  struct stat status = {};
  if (fstat(fd, &status) != 0) {
    detail::throw_system_error("an event loop cannot watch this descriptor");
  }
  if (S_ISREG(status.st_mode) || S_ISDIR(status.st_mode)) {
    throw std::system_error(EPERM, std::generic_category(),
                            "an event loop cannot watch a regular file, which is always ready");
  }
}

}  // namespace

EventLoop::Reactor::Reactor() : context_(std::in_place, kOneThread) {
  detail::OwnedFd bell = make_bell();
  bell_.emplace(*context_, bell.get());
  bell.release();
  listen_to_bell();
}

EventLoop::Reactor::~Reactor() = default;

bool EventLoop::Reactor::send(detail::LoopMessage& message, Sender sender) noexcept {
  return inbox_.put(message, [this, sender] {
    if (sender == Sender::kAnyThread) ring_bell();
  });
}

void EventLoop::Reactor::ring_bell() noexcept { eventfd_write(bell_->native_handle(), 1); }

void EventLoop::Reactor::listen_to_bell() {
  bell_->async_wait(asio::posix::stream_descriptor::wait_read,
                    [this](const asio::error_code& failed) {
                      if (failed) return;
                      eventfd_t rung = 0;
                      eventfd_read(bell_->native_handle(), &rung);
                      listen_to_bell();
                    });
}

void EventLoop::Reactor::run() {
  while (!context_->stopped()) {
    inbox_.deliver_all();
    // Messages that are sent by what they do wait until timers and descriptors have had a turn.
    if (inbox_.empty()) {
      context_->run_one();
    } else {
      context_->poll();
    }
  }
  close();
}

void EventLoop::Reactor::close() noexcept {
  while (!at_end_.empty()) {  // one of them may arrange another
    const Callback callback = std::move(at_end_.back());
    at_end_.pop_back();
    detail::call_back(*of_this_thread(), callback);
  }
  inbox_.close();
  inbox_.deliver_all();
  watched_.clear();
  bell_.reset();
  context_.reset();
}

void EventLoop::Reactor::watch(int fd, Direction direction, Callback callback) {
  const auto known = watched_.find(fd);
  if (known != watched_.end()) return known->second->set(direction, std::move(callback));
  refuse_regular_file(fd);
  const auto watched = std::make_shared<Watched>(*context_, fd);
  watched->set(direction, std::move(callback));
  watched_.emplace(fd, watched);
}

void EventLoop::Reactor::unwatch(int fd, Direction direction) noexcept {
  const auto known = watched_.find(fd);
  if (known == watched_.end() || known->second->unset(direction)) return;
  // Now, and not when the last reference goes: the callback that called this may hold one.
  known->second->let_go();
  watched_.erase(known);
}

}  // namespace poolmark
