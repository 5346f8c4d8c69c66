#pragma once

#include <mutex>
#include <utility>

#include "poolmark/detail/futex.hpp"
#include "poolmark/detail/loop_message.hpp"

namespace poolmark::detail {

/// Messages from any thread to one, in their order.
class LoopInbox {
 public:
  /// Puts a message in, and calls `ring` if the inbox was empty. False if it is closed. `ring` is
  /// called under the lock, so never after close().
  template <class Ring>
  bool put(LoopMessage& message, Ring ring) noexcept {
    std::lock_guard hold(lock_);
    if (is_closed_) return false;
    message.next_ = nullptr;
    if (first_ == nullptr) ring();
    (first_ != nullptr ? last_->next_ : first_) = &message;
    last_ = &message;
    return true;
  }

  bool empty() noexcept {
    std::lock_guard hold(lock_);
    return first_ == nullptr;
  }

  /// Delivers all that are there, in this thread and under no lock; what comes meanwhile stays.
  void deliver_all() noexcept {
    for (LoopMessage* message = take_all(); message != nullptr;) {
      // What is delivered may be gone afterwards.
      std::exchange(message, message->next_)->deliver();
    }
  }

  /// Takes nothing more.
  void close() noexcept {
    std::lock_guard hold(lock_);
    is_closed_ = true;
  }

 private:
  LoopMessage* take_all() noexcept {
    std::lock_guard hold(lock_);
    return std::exchange(first_, nullptr);
  }

  FutexMutex lock_;
  LoopMessage* first_ = nullptr;
  LoopMessage* last_ = nullptr;  // unless it is empty
  bool is_closed_ = false;
};

}  // namespace poolmark::detail
