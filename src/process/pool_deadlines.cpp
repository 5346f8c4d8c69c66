#include <algorithm>

#include "process/pool_core.hpp"

// Tasks that may not run for ever: the service thread looks at them when they can be overdue. Under
// the pool's lock.
namespace poolmark::detail {

void PoolCore::expire_deadlines() {
  deadline_at_.reset();
  std::optional<Clock::time_point> now;  // read once, and only if there is a deadline
  for (const auto& worker : workers_) {
    if (worker->killed || !worker->next_look()) continue;
    if (!now) now = Clock::now();
    if (worker->is_overdue(*now)) {
      worker->killed = true;
      worker->timed_out = true;
      zygote_->kill(worker->id());
    } else if (const auto look = worker->next_look()) {
      deadline_at_ = deadline_at_ ? std::min(*deadline_at_, *look) : *look;
    }
  }
}

void PoolCore::watch_deadline(Clock::time_point expires) noexcept {
  if (!service_sleeps_ || service_wakes_at_ <= expires) return;
  service_wakes_at_ = expires;
  kick_service();
}

}  // namespace poolmark::detail
