#include "poolmark/detail/future_state.hpp"

#include <mutex>

#include "poolmark/detail/fork_guard.hpp"
#include "poolmark/errors.hpp"

namespace poolmark::detail {

// ---- CallbackList
// --------------------------------------------------------------------------------

CallbackList::CallbackList(Callback* newest_first) noexcept {
  while (newest_first != nullptr) {
    Callback* older = newest_first->next;
    newest_first->next = head_;
    head_ = newest_first;
    newest_first = older;
  }
}

CallbackList::~CallbackList() {
  while (head_ != nullptr) delete std::exchange(head_, head_->next);
}

void CallbackList::run(FutureState& done) noexcept {
  while (head_ != nullptr) {
    Callback* current = std::exchange(head_, head_->next);
    current->run(done);
    delete current;
  }
}

// ---- FutureState
// ---------------------------------------------------------------------------------

FutureState::FutureState() : fork_generation_(fork_generation()) {}

bool FutureState::move_from(Phase from, Phase to) noexcept {
  std::uint32_t word = word_.load(std::memory_order_relaxed);
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

bool FutureState::claim() {
  if (try_claim()) return true;
  if (phase() == Phase::kCancelled) return false;
  throw InvalidStateError(
      "the future was claimed before: set_running_or_notify_cancel() may be called once");
}

bool FutureState::try_cancel() {
  std::uint32_t word = word_.load(std::memory_order_acquire);
  while (phase_of(word) == Phase::kPending) {
    if (word_.compare_exchange_weak(word, static_cast<std::uint32_t>(Phase::kCancelled),
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
  // Release: the outcome goes to whoever reads the phase. Acquire: who registered to be told.
  const std::uint32_t before =
      word_.exchange(static_cast<std::uint32_t>(outcome), std::memory_order_acq_rel);
  return tell_everyone(before, outcome);
}

CallbackList FutureState::tell_everyone(std::uint32_t word_before, Phase outcome) noexcept {
  if ((word_before & kSleepers) != 0) futex_wake(&word_, kWakeAll);
  if ((word_before & kObserved) == 0) return {};

  // A wake is held back until the lock is free, or the woken thread would run into it at once.
  const std::atomic<std::uint32_t>* to_wake = nullptr;
  Callback* callbacks = nullptr;
  {
    std::lock_guard hold(lock_);
    while (observers_ != nullptr) {
      Observer& told = *std::exchange(observers_, observers_->next);
      told.attached = false;
      if (const auto* word = told.notify(told, outcome); word != nullptr) {
        if (to_wake != nullptr) futex_wake(to_wake, kWakeAll);
        to_wake = word;
      }
    }
    callbacks = std::exchange(callbacks_, nullptr);
  }
  if (to_wake != nullptr) futex_wake(to_wake, kWakeAll);
  return CallbackList(callbacks);
}

bool FutureState::wait_done(const Deadline& deadline) {
  for (;;) {
    std::uint32_t word = word_.load(std::memory_order_acquire);
    if (is_done(phase_of(word))) return true;
    refuse_if_inherited();
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
  if (fork_generation_ == fork_generation()) return;
  throw DeadlockError(
      "this future belongs to the parent process, and nobody in this one will complete it: wait "
      "for it in the process that submitted it");
}

bool FutureState::attach(Observer& observer) {
  if (is_done(phase())) return false;
  refuse_if_inherited();
  std::lock_guard hold(lock_);
  if (!mark(kObserved)) return false;
  observer.previous = nullptr;
  observer.next = observers_;
  if (observers_ != nullptr) observers_->previous = &observer;
  observers_ = &observer;
  observer.attached = true;
  return true;
}

void FutureState::detach(Observer& observer) noexcept {
  std::lock_guard hold(lock_);
  if (!observer.attached) return;
  observer.attached = false;
  if (observer.previous != nullptr) {
    observer.previous->next = observer.next;
  } else {
    observers_ = observer.next;
  }
  if (observer.next != nullptr) observer.next->previous = observer.previous;
}

void FutureState::add_callback(Callback* callback) noexcept {
  {
    std::lock_guard hold(lock_);
    if (mark(kObserved)) {
      callback->next = callbacks_;
      callbacks_ = callback;
      return;
    }
  }
  CallbackList(callback).run(*this);
}

}  // namespace poolmark::detail
