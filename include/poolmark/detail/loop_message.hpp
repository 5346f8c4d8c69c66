#pragma once

namespace poolmark::detail {

/// Something for the thread of an event loop to do, handed over by any thread without allocating.
/// The sender keeps it in place until it is delivered, and sends it again only then.
class LoopMessage {
 public:
  LoopMessage() = default;
  LoopMessage(const LoopMessage&) = delete;
  LoopMessage& operator=(const LoopMessage&) = delete;

  /// Called once for each time it was sent, on the loop's thread. May destroy the message.
  virtual void deliver() noexcept = 0;

 protected:
  ~LoopMessage() = default;

 private:
  friend class LoopInbox;
  LoopMessage* next_ = nullptr;
};

}  // namespace poolmark::detail
