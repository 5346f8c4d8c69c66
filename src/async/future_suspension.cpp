#include "poolmark/detail/future_suspension.hpp"

#include "poolmark/event_loop.hpp"

namespace poolmark::detail {

bool FutureSuspensionBase::begin() { return awaited_.state()->attach(*this); }

bool FutureSuspensionBase::stop() noexcept {
  awaited_.state()->detach(*this);
  if (is_told_) return false;
  awaited_.cancel();
  return true;
}

const std::atomic<std::uint32_t>* FutureSuspensionBase::tell_loop(Observer& observer,
                                                                  Phase /*outcome*/) noexcept {
  auto& self = static_cast<FutureSuspensionBase&>(observer);
  self.is_told_ = true;
  // The loop cannot have ended: a task of its executor rests here.
  self.chain().loop().send(self);
  return nullptr;
}

}  // namespace poolmark::detail
