#include "poolmark/detail/coroutine_chain.hpp"

#include <utility>

#include "poolmark/errors.hpp"
#include "poolmark/event_loop.hpp"

namespace poolmark::detail {

void CoroutineChain::resume(std::coroutine_handle<> last) noexcept {
  rests_at_ = nullptr;
  const auto begun = EventLoop::Clock::now();
  last.resume();
  while (next_) std::exchange(next_, nullptr).resume();
  loop_->note_turn(begun, [this] { return name(); });
  if (has_ended_) end();
}

void CoroutineChain::cancel(const void* by) noexcept {
  cancelled_by_ = by;
  rests_at_->is_cancelled_ = true;
  // Else the event is on its way, and finds this.
  if (rests_at_->stop()) resume(rests_at_->resting_);
}

bool Suspension::rest() {
  if (!begin()) return false;
  chain_->rests_at_ = this;
  return true;
}

void Suspension::go_on() noexcept { chain_->resume(resting_); }

void Suspension::await_resume() const {
  if (is_cancelled_) throw CancelledError();
}

}  // namespace poolmark::detail
