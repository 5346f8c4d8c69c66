#include <asio/steady_timer.hpp>

#include "async/reactor.hpp"
#include "poolmark/coroutine.hpp"

namespace poolmark::detail {

/// A coroutine's wait for a moment.
class SleepSuspension final : public Suspension {
 public:
  explicit SleepSuspension(std::chrono::nanoseconds duration) noexcept : duration_(duration) {}

 private:
  bool begin() override {
    timer_.emplace(chain().loop().reactor_->context(), duration_);
    timer_->async_wait([this](const asio::error_code& stopped) {
      // After stop() this object is gone.
      if (!stopped) go_on();
    });
    return true;
  }

  // If the time is over, the handler is on its way already.
  bool stop() noexcept override { return timer_->cancel() != 0; }

  const std::chrono::nanoseconds duration_;
  std::optional<asio::steady_timer> timer_;
};

namespace {

struct Rest {
  SleepSuspension suspension() const noexcept { return SleepSuspension(duration); }

  std::chrono::nanoseconds duration;
};

}  // namespace

Coroutine<void> sleep_for(std::chrono::nanoseconds duration) { co_await Rest{duration}; }

TimeLimit::TimeLimit(CoroutineChain& chain, std::chrono::nanoseconds limit)
    : chain_(chain), timer_(chain.loop().call_later(limit, [this] { chain_.cancel(this); })) {}

TimeLimit::~TimeLimit() { timer_.cancel(); }

}  // namespace poolmark::detail
