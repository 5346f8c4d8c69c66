#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <new>
#include <typeinfo>
#include <utility>

#include "poolmark/detail/fork_guard.hpp"
#include "poolmark/detail/futex.hpp"
#include "poolmark/detail/intrusive_ptr.hpp"

// What a future is to the library: one heap block that holds the task, its outcome, who waits for
// it, and the link of the queue it stands in. Future<T>, Promise<T> and the executors are faces of
// it. src/README.md tells the whole protocol.
namespace poolmark {
class EventLoop;
}

namespace poolmark::detail {

class FutureState;
class ThreadPoolCore;

/// The life of a future. A done phase never changes again, but for kValue → kTaken.
enum class Phase : std::uint32_t {
  kPending,     // nobody has claimed it; cancel() succeeds
  kRunning,     // someone has claimed it; cancel() fails
  kCompleting,  // a promise is writing the outcome; everybody else still sees a running future
  kCancelled,   // done: it will never run
  kValue,       // done: the value is there
  kError,       // done: the exception is there
  kTaken,       // done: the value has been moved out by take()
};

constexpr bool is_done(Phase phase) noexcept { return phase >= Phase::kCancelled; }

/// One waiter's record on one future. The waiter owns it and keeps it in place while it is
/// attached. `notify` runs once, when the future is done, under the future's lock: it must be
/// short, must not touch the future, and returns the futex word to wake once the lock is free
/// (null for none). Coroutines, event loops and other runtimes wait through the same record.
struct Observer {
  using Notify = const std::atomic<std::uint32_t>* (*)(Observer&, Phase outcome) noexcept;

  Notify notify = nullptr;  // null in a Callback, which stands in the same list
  Observer* next = nullptr;
  Observer* previous = nullptr;
  bool attached = false;
};

/// A done-callback in the list of its future, which owns it.
struct Callback : Observer {
  Callback();
  Callback(const Callback&) = delete;
  Callback& operator=(const Callback&) = delete;
  virtual ~Callback();
  /// Never throws: what user code throws goes to the handler of callback errors.
  virtual void run(FutureState& done) noexcept = 0;

  /// A handle on the future until it has been called, which is given handles itself. Without it the
  /// last one could go, be followed by the callback's and go again: twice the last.
  IntrusivePtr<FutureState> future;
};

/// The callbacks of a future that is done, in the order they were added, still to be run.
/// They are user code: run them under no lock.
class CallbackList {
 public:
  CallbackList() = default;
  CallbackList(CallbackList&& other) noexcept : head_(std::exchange(other.head_, nullptr)) {}
  CallbackList& operator=(CallbackList&& other) noexcept {
    std::swap(head_, other.head_);
    return *this;
  }
  ~CallbackList();

  bool empty() const noexcept { return head_ == nullptr; }
  /// A future keeps its callbacks newest first, so the next one it gives was added earlier.
  void push_earlier(Callback* callback) noexcept {
    callback->next = std::exchange(head_, callback);
  }
  void run(FutureState& done) noexcept;

 private:
  Callback* pop() noexcept;

  Callback* head_ = nullptr;
};

/// An executor that can use a thread which waits for one of its futures (a process pool lets the
/// waiter itself collect the results, and so saves handing them from thread to thread).
class ProgressDriver {
 public:
  enum class Outcome {
    kChanged,   // the word differs from what was expected
    kTimedOut,  // the deadline passed first
    kBusy,      // another thread drives already; it will change the word: sleep on it
  };

  /// Completes futures of this executor in the calling thread while `word` equals `expected`.
  virtual Outcome drive_while(const std::atomic<std::uint32_t>& word, std::uint32_t expected,
                              const Deadline& deadline) = 0;

 protected:
  ~ProgressDriver() = default;
};

class FutureState : public RefCounted {
 public:
  /// Handles are counted; the entry in an executor's queue is not, see release_entry(). The object
  /// goes when both are gone. An only handle on a task that no queue holds need not count down:
  /// that saves the caller who reads a result and forgets it an atomic instruction.
  void drop_ref() const noexcept {
    // Acquire: what the worker did to the object comes before its destruction.
    if (is_unique() && (word_.load(std::memory_order_acquire) & kEntry) == 0) {
      delete this;
    } else if (count_down()) {
      abandon();
    }
  }

  // ---- what an executor's task does differently -----------------------------------------------

  /// Runs the task; the caller has claimed it. Futures of a Promise have nothing to run.
  virtual void run() {}

  /// The task will never run: destroys its callable and arguments. Called once, by the one who
  /// cancelled or failed it.
  virtual void discard() noexcept {}

  /// Cancels if the task has not started, and says whether the future is cancelled now.
  virtual bool request_cancel() { return try_cancel(); }

  /// Whether somebody executes the task, so that it can no longer be cancelled. Asked only while
  /// the future is not done. (A process pool's worker claims in shared memory, before the phase
  /// here changes.)
  virtual bool has_started() const noexcept { return phase() != Phase::kPending; }

  /// Called by a thread that is about to block until this future is done, however long that takes.
  /// May run the task in this very thread, if that is what it would wait for.
  virtual void before_wait() {}

  /// The pool of threads whose queue it stands in, or whose worker executes it; null: nobody known.
  /// The pool may be gone once the future is done.
  virtual const ThreadPoolCore* thread_pool() const noexcept { return nullptr; }

  /// The event loop whose thread completes it; null: none. The loop may be gone once it is done.
  virtual const EventLoop* event_loop() const noexcept { return nullptr; }

  /// Who makes progress if a thread waits for this future; null: nobody needs help.
  virtual ProgressDriver* driver() noexcept { return nullptr; }

  virtual const std::type_info& value_type() const noexcept = 0;

  // ---- state -----------------------------------------------------------------------------------

  /// Whether a queue, or the worker that took it from there, keeps the object.
  bool is_held() const noexcept { return (word_.load(std::memory_order_relaxed) & kEntry) != 0; }

  /// Lets go of the entry of a task that its queue, or who took it from there, will not complete:
  /// it was completed or cancelled by others, or never queued. The object may be gone afterwards.
  void release_entry() noexcept;

  /// Whether this is a forked child of the process that made the future.
  bool is_inherited() const noexcept { return fork_generation_ != fork_generation(); }
  /// Throws DeadlockError if it is one.
  void refuse_if_inherited() const;

  // Acquire: a reader that sees a done phase sees the outcome.
  Phase phase() const noexcept { return phase_of(word_.load(std::memory_order_acquire)); }

  /// phase() as others see it: kRunning also if only has_started() knows, and never kCompleting.
  Phase observed_phase() const noexcept;

  /// Pending → running; false if it was cancelled first. InvalidStateError if claimed before.
  bool claim();
  /// The same for executors, which never claim twice: false unless it was pending.
  bool try_claim() noexcept { return move_from(Phase::kPending, Phase::kRunning); }
  /// The same for a thread that owns a handle and not the entry of the queue, which stays behind
  /// and only has to be let go of.
  bool try_claim_in_place() noexcept;

  /// Pending → cancelled, waking every waiter and running the callbacks in this thread; true if
  /// the future is cancelled now, whoever did it.
  bool try_cancel();

  /// Pending or running → completing: the caller alone may write the outcome, then publish it.
  bool try_begin_completing() noexcept;

  /// Makes the outcome written before visible to everybody and wakes whoever waits; the callbacks
  /// are the caller's to run. Only for the one who claimed the future, and owns a handle. Never
  /// blocks.
  [[nodiscard]] CallbackList publish(Phase outcome) noexcept;

  /// publish(), and the callbacks at once in this thread. Lets go of the entry of a queue, too: the
  /// object may be gone afterwards.
  void complete(Phase outcome) noexcept;

  /// Pending or running → error, for a task that will never run; false if it was done before.
  bool fail(std::exception_ptr error) noexcept;

  /// Value → taken; false if it was taken before.
  bool try_take() noexcept { return move_from(Phase::kValue, Phase::kTaken); }

  /// Writes the outcome of kError. Only for the one who claimed the future, once, and only if no
  /// value has been written.
  void set_error(std::exception_ptr error) noexcept {
    std::construct_at(reinterpret_cast<std::exception_ptr*>(outcome_), std::move(error));
  }
  /// Only after kError has been seen.
  const std::exception_ptr& error() const noexcept {
    return *std::launder(reinterpret_cast<const std::exception_ptr*>(outcome_));
  }

  // ---- waiting ---------------------------------------------------------------------------------

  // In a forked child nobody is left to complete an inherited future: waiting for one that is not
  // done throws DeadlockError there.

  /// Blocks until done; false when the deadline passed first.
  bool wait_done(const Deadline& deadline);

  /// False, and nothing attached, if the future is done already.
  bool attach(Observer& observer);
  /// After this, `observer.notify` is not running and will not run.
  void detach(Observer& observer) noexcept;

  /// Takes the callback; runs it here and now if the future is done.
  void add_callback(Callback* callback) noexcept;

 protected:
  /// Whether a queue will hold the object from the start.
  enum class Entry : bool { kNone, kHeld };

  /// Begins with so many handles: counting them one by one would cost an atomic instruction each.
  explicit FutureState(std::uint32_t handles = 0, Entry entry = Entry::kNone) noexcept
      : RefCounted(handles),
        word_(static_cast<std::uint32_t>(Phase::kPending) | (entry == Entry::kHeld ? kHeld : 0)),
        fork_generation_(fork_generation()) {}
  ~FutureState() override;

  // Where the error is kept, or a value that fits: a future has one or the other.
  static constexpr std::size_t kOutcomeBytes = sizeof(std::exception_ptr);
  std::byte* outcome() noexcept { return outcome_; }
  const std::byte* outcome() const noexcept { return outcome_; }

 private:
  // The word: a phase, and who must be told when it is done.
  static constexpr std::uint32_t kPhaseMask = 0x7;
  static constexpr std::uint32_t kSleepers = 0x8;   // threads may sleep on the word itself
  static constexpr std::uint32_t kObserved = 0x10;  // the list below is not empty
  // Who keeps the object beside the handles: the entry in a queue, then the worker that took it.
  static constexpr std::uint32_t kHeld = 0x20;       // and will complete it, unless it is cancelled
  static constexpr std::uint32_t kHollow = 0x40;     // and only has to let go of it
  static constexpr std::uint32_t kAbandoned = 0x80;  // there are no handles any more
  static constexpr std::uint32_t kEntry = kHeld | kHollow;

  static Phase phase_of(std::uint32_t word) noexcept { return Phase{word & kPhaseMask}; }
  /// The word of a future that is done, whose queue still holds it if it did before.
  static std::uint32_t done_and_hollow(Phase outcome, std::uint32_t before) noexcept {
    const std::uint32_t rest = (before & kEntry) != 0 ? kHollow | (before & kAbandoned) : 0;
    return static_cast<std::uint32_t>(outcome) | rest;
  }

  void abandon() const noexcept;
  bool move_from(Phase from, Phase to) noexcept;
  /// Adds a bit unless the future is done; false if it is.
  bool mark(std::uint32_t bit) noexcept;
  CallbackList tell_everyone(std::uint32_t word_before, Phase outcome) noexcept;

  void link(Observer& observer) noexcept;
  bool sleep_until_done(const Deadline& deadline);

  // What a small task needs fits in one cache line, which is what its way to a worker and back
  // costs: do not let this grow without measuring it (bench/overhead).
  mutable std::atomic<std::uint32_t> word_;
  FutexMutex lock_;                // guards the list
  std::uint32_t fork_generation_;  // of the process that made it
  Observer* listeners_ = nullptr;  // observers and callbacks, newest first
  alignas(std::exception_ptr) std::byte outcome_[kOutcomeBytes];  // written before it is published
};

}  // namespace poolmark::detail
