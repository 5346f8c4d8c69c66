#include "poolmark/detail/wait_signal.hpp"

namespace poolmark::detail {

bool WaitSignal::wait(const Deadline& deadline, ProgressDriver* driver) {
  for (;;) {
    std::uint32_t seen = word_.load(std::memory_order_acquire);
    if (seen == kRaised) return true;
    if (driver != nullptr) {
      switch (driver->drive_while(word_, seen, deadline)) {
        case ProgressDriver::Outcome::kChanged:
          continue;
        case ProgressDriver::Outcome::kTimedOut:
          return is_raised();
        case ProgressDriver::Outcome::kBusy:
          break;
      }
    }
    if (seen == kQuiet &&
        !word_.compare_exchange_strong(seen, kSleeping, std::memory_order_acq_rel)) {
      continue;
    }
    if (!futex_wait(word_, kSleeping, deadline)) return is_raised();
  }
}

}  // namespace poolmark::detail
