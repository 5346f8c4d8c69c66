#include "poolmark/wait.hpp"

#include <atomic>

#include "poolmark/detail/wait_signal.hpp"

namespace poolmark::detail {
namespace {

/// One call of wait(): counts completions and raises its signal at the one that is enough.
class Wait {
 public:
  Wait(std::span<FutureState* const> states, ReturnWhen return_when)
      : states_(states), return_when_(return_when), left_(states.size()), entries_(states.size()) {}

  Wait(const Wait&) = delete;
  Wait& operator=(const Wait&) = delete;

  ~Wait() {
    for (std::size_t i = 0; i < attached_; ++i) states_[i]->detach(entries_[i]);
  }

  void run(const Deadline& deadline) {
    for (; attached_ < states_.size() && !signal_.is_raised(); ++attached_) follow(attached_);
    // Those that were done at once may have been enough, and all that are done count, whether
    // they were followed or not: the caller looks at every future afterwards.
    if (!signal_.is_raised()) signal_.wait(deadline, common_driver());
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
    const bool enough = last || return_when_ == ReturnWhen::FirstCompleted ||
                        (return_when_ == ReturnWhen::FirstException && outcome == Phase::kError);
    return enough ? signal_.raise() : nullptr;
  }

  void follow(std::size_t i) {
    entries_[i].notify = &on_done;
    entries_[i].wait = this;
    // Nobody sleeps on the signal yet, so there is nothing to wake.
    if (!states_[i]->attach(entries_[i])) static_cast<void>(count(states_[i]->phase()));
  }

  ProgressDriver* common_driver() const noexcept {
    ProgressDriver* common = nullptr;
    for (FutureState* state : states_) {
      if (is_done(state->phase())) continue;
      ProgressDriver* driver = state->driver();
      if (driver == nullptr || (common != nullptr && driver != common)) return nullptr;
      common = driver;
    }
    return common;
  }

  std::span<FutureState* const> states_;
  ReturnWhen return_when_;
  std::atomic<std::size_t> left_;
  std::vector<Entry> entries_;
  std::size_t attached_ = 0;
  WaitSignal signal_;
};

}  // namespace

void wait_for(std::span<FutureState* const> states, ReturnWhen return_when,
              const Deadline& deadline) {
  if (!states.empty()) Wait(states, return_when).run(deadline);
}

}  // namespace poolmark::detail
