#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

#include "process/owned_fd.hpp"
#include "process/shared_memory.hpp"

namespace poolmark::detail {

/// Who of the pool sleeps and must be rung for news in a result ring.
enum class PoolSleeper : std::uint32_t {
  kNobody,   // somebody is awake, or will look by itself within a bounded time
  kService,  // the service thread sleeps in epoll: write to the eventfd
  kDrainer,  // a waiting thread sleeps on the word itself: wake the futex
  kResting,  // it does, for a bounded time, while answers gather: wake it for what cannot wait
};

/// The one word that all workers of a pool share with it.
struct BellWord {
  /// Set by the pool before it sleeps, and it looks at all rings once more after that. Cleared by
  /// whoever wakes the sleeper, so that one of many workers makes the system call.
  std::atomic<std::uint32_t> sleeper{0};
};

/// The doorbell of a pool: workers ring it when they have published something, which costs no
/// system call while the pool is awake.
class Bell {
 public:
  /// In the pool. Throws std::system_error.
  static Bell create();
  /// In a worker, from descriptors that came from the pool.
  static Bell open(OwnedFd memory_file, OwnedFd event);

  /// Wakes whoever sleeps, if anybody does, but nobody who rests. Call it after publishing.
  void ring() noexcept;
  /// Wakes who rests, and nobody else: this worker can do nothing more until the pool has looked.
  void end_rest() noexcept;

  /// The pool's side: says who sleeps from now on; look at the rings after it.
  void set_sleeper(PoolSleeper who) noexcept {
    // seq_cst: ordered before the last look at the rings, see ring.hpp.
    word().store(static_cast<std::uint32_t>(who), std::memory_order_seq_cst);
  }
  PoolSleeper sleeper() const noexcept {
    // seq_cst: the look comes after what was published, see ring.hpp.
    return PoolSleeper{word().load(std::memory_order_seq_cst)};
  }
  /// Sleeps at most until the deadline, as kDrainer or kResting: what set_sleeper() was told.
  void sleep_as(PoolSleeper who, std::chrono::steady_clock::time_point until) noexcept;
  /// Wakes the drainer whatever the word says: a worker may have died between clearing and waking.
  void wake_drainer() noexcept;
  void wake_service() noexcept;

  int memory_file() const noexcept { return memory_file_.get(); }
  int event() const noexcept { return event_.get(); }

 private:
  Bell(OwnedFd memory_file, OwnedFd event);
  void wake_sleeper() noexcept;
  std::atomic<std::uint32_t>& word() const noexcept { return word_->sleeper; }

  OwnedFd memory_file_;
  OwnedFd event_;
  SharedMapping mapping_;
  BellWord* word_ = nullptr;
};

}  // namespace poolmark::detail
