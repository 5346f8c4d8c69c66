#include "process/bell.hpp"

#include <sys/eventfd.h>

#include <new>

#include "poolmark/detail/futex.hpp"
#include "process/fault_hooks.hpp"

namespace poolmark::detail {

Bell::Bell(OwnedFd memory_file, OwnedFd event)
    : memory_file_(std::move(memory_file)),
      event_(std::move(event)),
      mapping_(memory_file_.get(), sizeof(BellWord)) {}

Bell Bell::create() {
  OwnedFd event(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!event) throw_system_error("cannot create an eventfd");
  Bell bell(make_memory_file("poolmark-bell", sizeof(BellWord)), std::move(event));
  bell.word_ = new (bell.mapping_.data()) BellWord();
  return bell;
}

Bell Bell::open(OwnedFd memory_file, OwnedFd event) {
  Bell bell(std::move(memory_file), std::move(event));
  bell.memory_file_.reset();
  bell.word_ = std::launder(reinterpret_cast<BellWord*>(bell.mapping_.data()));
  return bell;
}

void Bell::ring() noexcept {
  const PoolSleeper seen = sleeper();
  if (seen != PoolSleeper::kNobody && seen != PoolSleeper::kResting) wake_sleeper();
}

void Bell::end_rest() noexcept {
  if (sleeper() == PoolSleeper::kResting) wake_sleeper();
}

void Bell::wake_sleeper() noexcept {
  const PoolSleeper sleeper{word().exchange(0, std::memory_order_seq_cst)};
  if (sleeper != PoolSleeper::kNobody) POOLMARK_HOOK(kBellCleared);
  switch (sleeper) {
    case PoolSleeper::kNobody:
      break;
    case PoolSleeper::kService:
      wake_service();
      break;
    case PoolSleeper::kDrainer:
    case PoolSleeper::kResting:
      futex_wake(&word(), 1, FutexScope::kShared);
      break;
  }
}

void Bell::sleep_as(PoolSleeper who, std::chrono::steady_clock::time_point until) noexcept {
  futex_wait(word(), static_cast<std::uint32_t>(who), until, FutexScope::kShared);
}

void Bell::wake_drainer() noexcept {
  set_sleeper(PoolSleeper::kNobody);
  futex_wake(&word(), kWakeAll, FutexScope::kShared);
}

void Bell::wake_service() noexcept {
  // The counter is never read: every write is an edge for epoll, and 2^64 of them take for ever.
  const std::uint64_t one = 1;
  static_cast<void>(!write(event_.get(), &one, sizeof one));
}

}  // namespace poolmark::detail
