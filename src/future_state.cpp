#include "poolmark/detail/future_state.hpp"

#include <algorithm>
#include <chrono>
#include <mutex>

#include "deadlock.hpp"
#include "poolmark/detail/spin.hpp"
#include "poolmark/errors.hpp"

namespace poolmark::detail {

// ---- CallbackList
// --------------------------------------------------------------------------------

Callback::Callback() = default;
Callback::~Callback() = default;

Callback* CallbackList::pop() noexcept {
  return std::exchange(head_, static_cast<Callback*>(head_->next));
}

CallbackList::~CallbackList() {
  while (!empty()) delete pop();
}

void CallbackList::run(FutureState& done) noexcept {
  while (!empty()) {
    Callback* current = pop();
    current->run(done);
    delete current;
  }
}

// ---- FutureState
// ---------------------------------------------------------------------------------

// Of the two who let go last, the handles and the entry, each leaves its mark in the same word, so
// that the second sees the first's.

void FutureState::abandon() const noexcept {
  // Acquire, if the entry is gone: what its holder did comes before the destruction. Release, if it
  // is not: what the handles' owners did.
  if ((word_.fetch_or(kAbandoned, std::memory_order_acq_rel) & kEntry) == 0) delete this;
}

void FutureState::release_entry() noexcept {
  // The same from the other side.
  if ((word_.fetch_and(~kEntry, std::memory_order_acq_rel) & kAbandoned) != 0) delete this;
}

FutureState::~FutureState() {
  if (phase() == Phase::kError) std::destroy_at(&error());
}

bool FutureState::move_from(Phase from, Phase to) noexcept {
  // Nearly always this is a worker, and nobody has asked to be told: trying at once costs as much
  // as looking first would, one way of a cache line between cores.
  std::uint32_t word = static_cast<std::uint32_t>(from) | kHeld;
  while (phase_of(word) == from) {
    const std::uint32_t moved = (word & ~kPhaseMask) | static_cast<std::uint32_t>(to);
    // Acquire: the claimant sees what the submitter wrote; release: take() orders its move.
    if (word_.compare_exchange_weak(word, moved, std::memory_order_acq_rel,
                                    std::memory_order_relaxed)) {
      return true;
    }
  }
  return false;
}

bool FutureState::try_claim_in_place() noexcept {
  std::uint32_t word = word_.load(std::memory_order_relaxed);
  while (phase_of(word) == Phase::kPending) {
    const std::uint32_t running =
        (word & ~(kPhaseMask | kHeld)) | kHollow | static_cast<std::uint32_t>(Phase::kRunning);
    // As in move_from().
    if (word_.compare_exchange_weak(word, running, std::memory_order_acq_rel,
                                    std::memory_order_relaxed)) {
      return true;
    }
  }
  return false;
}

bool FutureState::mark(std::uint32_t bit) noexcept {
  std::uint32_t word = word_.load(std::memory_order_acquire);
  while (!is_done(phase_of(word))) {
    if ((word & bit) != 0) return true;
    // Release: publish() sees the list entry that the bit announces. Acquire on failure: the
    // caller may find the future done and read its outcome.
    if (word_.compare_exchange_weak(word, word | bit, std::memory_order_acq_rel,
                                    std::memory_order_acquire)) {
      return true;
    }
  }
  return false;
}

Phase FutureState::observed_phase() const noexcept {
  if (const Phase before = phase(); is_done(before)) return before;
  const bool started = has_started();
  // What has_started() says of a future that is done by now may be wrong: a cancelled one is no
  // longer pending, and yet it never ran.
  if (const Phase after = phase(); is_done(after)) return after;
  return started ? Phase::kRunning : Phase::kPending;
}

bool FutureState::claim() {
  if (try_claim()) return true;
  if (phase() == Phase::kCancelled) return false;
  throw InvalidStateError(
      "the future was claimed before: set_running_or_notify_cancel() may be called once");
}

bool FutureState::try_cancel() {
  std::uint32_t word = word_.load(std::memory_order_acquire);
  while (phase_of(word) == Phase::kPending) {
    if (word_.compare_exchange_weak(word, done_and_hollow(Phase::kCancelled, word),
                                    std::memory_order_acq_rel, std::memory_order_acquire)) {
      discard();
      tell_everyone(word, Phase::kCancelled).run(*this);
      return true;
    }
  }
  return phase_of(word) == Phase::kCancelled;
}

bool FutureState::try_begin_completing() noexcept {
  return move_from(Phase::kRunning, Phase::kCompleting) ||
         move_from(Phase::kPending, Phase::kCompleting) ||
         // Claimed by another thread between the two attempts.
         move_from(Phase::kRunning, Phase::kCompleting);
}

bool FutureState::fail(std::exception_ptr error) noexcept {
  if (!try_begin_completing()) return false;
  discard();
  set_error(std::move(error));
  complete(Phase::kError);
  return true;
}

CallbackList FutureState::publish(Phase outcome) noexcept {
  std::uint32_t before = word_.load(std::memory_order_relaxed);
  // Release: the outcome goes to whoever reads the phase. Acquire: who registered to be told.
  while (!word_.compare_exchange_weak(before, done_and_hollow(outcome, before),
                                      std::memory_order_acq_rel, std::memory_order_relaxed)) {
  }
  return tell_everyone(before, outcome);
}

void FutureState::complete(Phase outcome) noexcept {
  // As in move_from(): the usual case is tried, not looked for.
  std::uint32_t before = static_cast<std::uint32_t>(Phase::kRunning) | kHeld;
  while ((before & (kObserved | kHollow)) == 0) {
    if (!word_.compare_exchange_weak(before, static_cast<std::uint32_t>(outcome),
                                     std::memory_order_acq_rel, std::memory_order_relaxed)) {
      continue;
    }
    // Whoever sees the outcome may destroy the object: only its address is used from here on.
    if ((before & kSleepers) != 0) futex_wake(&word_, kWakeAll);
    if ((before & kAbandoned) != 0) delete this;
    return;
  }
  const bool is_holder = (before & kHeld) != 0;
  publish(outcome).run(*this);
  if (is_holder) release_entry();
}

CallbackList FutureState::tell_everyone(std::uint32_t word_before, Phase outcome) noexcept {
  if ((word_before & kSleepers) != 0) futex_wake(&word_, kWakeAll);
  if ((word_before & kObserved) == 0) return {};

  // A wake is held back until the lock is free, or the woken thread would run into it at once.
  const std::atomic<std::uint32_t>* to_wake = nullptr;
  CallbackList callbacks;
  {
    std::lock_guard hold(lock_);
    while (listeners_ != nullptr) {
      Observer& told = *std::exchange(listeners_, listeners_->next);
      if (told.notify == nullptr) {
        callbacks.push_earlier(static_cast<Callback*>(&told));
        continue;
      }
      told.attached = false;
      if (const auto* word = told.notify(told, outcome); word != nullptr) {
        if (to_wake != nullptr) futex_wake(to_wake, kWakeAll);
        to_wake = word;
      }
    }
  }
  if (to_wake != nullptr) futex_wake(to_wake, kWakeAll);
  return callbacks;
}

bool FutureState::wait_done(const Deadline& deadline) {
  if (is_done(phase())) return true;
  refuse_if_inherited();
  if (!deadline) {
    before_wait();
    if (is_done(phase())) return true;
  }
  if (driver() != nullptr) return sleep_until_done(deadline);

  thread_local SpinBudget budget;
  using Clock = std::chrono::steady_clock;
  auto awake_for = budget.now();
  if (deadline) awake_for = std::min(awake_for, *deadline - Clock::now());
  if (spin_until([this] { return is_done(phase()); }, awake_for)) {
    budget.learn(std::chrono::nanoseconds(0));
    return true;
  }
  const auto begin = Clock::now() - awake_for;
  const BlockedWorker blocked(Awaited::only(*this), !deadline);
  const bool done = sleep_until_done(deadline);
  budget.learn(Clock::now() - begin);
  return done;
}

bool FutureState::sleep_until_done(const Deadline& deadline) {
  for (;;) {
    std::uint32_t word = word_.load(std::memory_order_acquire);
    if (is_done(phase_of(word))) return true;
    // A driver completes the future in this very thread: no bit, and so no wake, is needed.
    if (ProgressDriver* helped = driver(); helped != nullptr) {
      switch (helped->drive_while(word_, word, deadline)) {
        case ProgressDriver::Outcome::kChanged:
          continue;
        case ProgressDriver::Outcome::kTimedOut:
          return is_done(phase());
        case ProgressDriver::Outcome::kBusy:
          break;
      }
    }
    if (!mark(kSleepers)) return true;
    word |= kSleepers;
    if (!futex_wait(word_, word, deadline)) return is_done(phase());
  }
}

void FutureState::refuse_if_inherited() const {
  if (!is_inherited()) return;
  throw DeadlockError(
      "this future belongs to the parent process, and nobody in this one will complete it: wait "
      "for it in the process that submitted it");
}

bool FutureState::attach(Observer& observer) {
  if (is_done(phase())) return false;
  refuse_if_inherited();
  std::lock_guard hold(lock_);
  if (!mark(kObserved)) return false;
  link(observer);
  observer.attached = true;
  return true;
}

void FutureState::link(Observer& observer) noexcept {
  observer.previous = nullptr;
  observer.next = listeners_;
  if (listeners_ != nullptr) listeners_->previous = &observer;
  listeners_ = &observer;
}

void FutureState::detach(Observer& observer) noexcept {
  std::lock_guard hold(lock_);
  if (!observer.attached) return;
  observer.attached = false;
  if (observer.previous != nullptr) {
    observer.previous->next = observer.next;
  } else {
    listeners_ = observer.next;
  }
  if (observer.next != nullptr) observer.next->previous = observer.previous;
}

void FutureState::add_callback(Callback* callback) noexcept {
  {
    std::lock_guard hold(lock_);
    if (mark(kObserved)) {
      callback->future = IntrusivePtr<FutureState>(this);
      link(*callback);
      return;
    }
  }
  CallbackList now;
  now.push_earlier(callback);
  now.run(*this);
}

}  // namespace poolmark::detail
