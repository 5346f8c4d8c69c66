#pragma once

#include <atomic>
#include <cstdint>

#include "poolmark/detail/future_state.hpp"

namespace poolmark::detail {

/// "Enough has happened": raised by any thread, awaited by one.
class WaitSignal {
 public:
  bool is_raised() const noexcept { return word_.load(std::memory_order_acquire) == kRaised; }

  /// Returns the word to wake, or null if nobody sleeps on it. The signal may be destroyed by its
  /// owner as soon as it is raised, so the word is good for nothing but a wake.
  [[nodiscard]] const std::atomic<std::uint32_t>* raise() noexcept {
    // Release: the waiter that sees it raised sees what was done before.
    const bool sleeping = word_.exchange(kRaised, std::memory_order_acq_rel) == kSleeping;
    return sleeping ? &word_ : nullptr;
  }

  /// Only the waiter may call it. An exchange, not a store: what was done before a raise() that it
  /// takes back is visible afterwards (acquire); one that comes later stays.
  void reset() noexcept { word_.exchange(kQuiet, std::memory_order_acq_rel); }

  /// Blocks until raised; false when the deadline passed first. The thread is lent to `driver`.
  bool wait(const Deadline& deadline, ProgressDriver* driver);

 private:
  static constexpr std::uint32_t kQuiet = 0;
  static constexpr std::uint32_t kSleeping = 1;  // the waiter sleeps or is about to
  static constexpr std::uint32_t kRaised = 2;

  std::atomic<std::uint32_t> word_{kQuiet};
};

}  // namespace poolmark::detail
