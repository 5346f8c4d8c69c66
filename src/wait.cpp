#include "poolmark/wait.hpp"

#include <atomic>
#include <bit>
#include <cstdint>

#include "deadlock.hpp"
#include "poolmark/detail/wait_signal.hpp"

namespace poolmark::detail {
namespace {

/// One call of wait(): counts completions and raises its signal at the one that is enough.
class Wait {
 public:
  Wait(std::span<FutureState* const> pending, ReturnWhen return_when)
      : pending_(pending),
        return_when_(return_when),
        entries_(pending.size()),
        left_(pending.size()) {}
  Wait(const Wait&) = delete;
  Wait& operator=(const Wait&) = delete;

  ~Wait() {
    for (std::size_t i = 0; i < attached_; ++i) pending_[i]->detach(entries_[i]);
  }

  void run(const Deadline& deadline) {
    for (; attached_ < pending_.size() && !signal_.is_raised(); ++attached_) follow(attached_);
    // All that are done count, whether they were followed or not: the caller looks at every future
    // afterwards.
    if (signal_.is_raised()) return;
    ProgressDriver* driver = common_driver();
    const BlockedWorker blocked(awaited(), !deadline && driver == nullptr);
    signal_.wait(deadline, driver);
  }

 private:
  struct Entry : Observer {
    Wait* wait = nullptr;
  };

  static const std::atomic<std::uint32_t>* on_done(Observer& observer, Phase outcome) noexcept {
    return static_cast<Entry&>(observer).wait->count(outcome);
  }

  const std::atomic<std::uint32_t>* count(Phase outcome) noexcept {
    // Acquire and release: the last to count sees the outcomes of all, and passes them on.
    const bool last = left_.fetch_sub(1, std::memory_order_acq_rel) == 1;
    return last || is_enough_alone(return_when_, outcome) ? signal_.raise() : nullptr;
  }

  void follow(std::size_t i) {
    entries_[i].notify = &on_done;
    entries_[i].wait = this;
    // Nobody sleeps on the signal yet, so there is nothing to wake.
    if (!pending_[i]->attach(entries_[i])) static_cast<void>(count(pending_[i]->phase()));
  }

  Awaited awaited() noexcept {
    const auto at = [](void* wait, std::size_t i) noexcept {
      return static_cast<Wait*>(wait)->pending_[i];
    };
    const bool all = return_when_ == ReturnWhen::AllCompleted;
    return {.at = at,
            .waiter = this,
            .count = pending_.size(),
            .need = all ? Awaited::Need::kAll : Awaited::Need::kAny};
  }

  ProgressDriver* common_driver() const noexcept {
    ProgressDriver* common = nullptr;
    for (FutureState* state : pending_) {
      if (is_done(state->phase())) continue;
      ProgressDriver* driver = state->driver();
      if (driver == nullptr || (common != nullptr && driver != common)) return nullptr;
      common = driver;
    }
    return common;
  }

  std::span<FutureState* const> pending_;
  ReturnWhen return_when_;
  std::vector<Entry> entries_;
  std::size_t attached_ = 0;
  std::atomic<std::size_t> left_;
  WaitSignal signal_;
};

/// FirstException in a worker, where each completion may leave a wait that can never end.
void wait_one_by_one_for_exception(std::span<FutureState* const> pending) {
  CompletionQueue done;
  for (std::size_t i = 0; i < pending.size(); ++i) {
    done.add(IntrusivePtr<FutureState>(pending[i]), i);
  }
  std::size_t next = 0;
  while (done.take(next, std::nullopt) && pending[next]->phase() != Phase::kError) {
  }
}

}  // namespace

void wait_for(std::span<FutureState* const> pending, ReturnWhen return_when,
              const Deadline& deadline) {
  if (!deadline && TaskStack::of_this_thread() != nullptr) {
    if (return_when == ReturnWhen::FirstException) return wait_one_by_one_for_exception(pending);
    if (return_when == ReturnWhen::AllCompleted) {
      for (FutureState* state : pending) state->before_wait();
    }
  }
  Wait(pending, return_when).run(deadline);
}

// ---- SeenStates
// ----------------------------------------------------------------------------------

SeenStates::SeenStates(std::size_t most)
    : table_(std::bit_ceil(2 * most)), shift_(64 - std::countr_zero(table_.size())) {}

bool SeenStates::insert(const FutureState* state) noexcept {
  // Fibonacci hashing: the golden ratio spreads addresses that are multiples of a power of two.
  constexpr std::uint64_t kGolden = 0x9E3779B97F4A7C15;
  std::size_t place = (reinterpret_cast<std::uintptr_t>(state) * kGolden) >> shift_;
  while (table_[place] != nullptr) {
    if (table_[place] == state) return false;
    place = (place + 1) & (table_.size() - 1);
  }
  table_[place] = state;
  return true;
}

}  // namespace poolmark::detail
