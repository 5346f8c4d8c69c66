#include "deadlock.hpp"

#include <fmt/core.h>
#include <pthread.h>

#include <mutex>
#include <optional>
#include <string>

#include "poolmark/detail/thread_pool_core.hpp"
#include "poolmark/errors.hpp"
#include "poolmark/event_loop.hpp"
#include "poolmark/future.hpp"

namespace poolmark::detail {

/// All blocked workers of the process, and what follows from what they wait for.
///
/// A future that is not done goes on (it will be done some day) if
///  * nobody known executes it: a promise, another executor,
///  * a thread executes it that is not blocked, or that is and goes on itself,
///  * it is pending, and not all workers its pool may have are blocked, or one of them goes on.
/// A blocked worker goes on if all, or any, of the futures it waits for are done or go on. What
/// these rules do not reach waits for ever: nothing goes on by leave of itself.
///
/// One lock, held while everything is looked at. It gives two threads that close a circle at the
/// same moment an order, and the second sees the first. Meanwhile futures may still become running
/// and done, but by threads that count as going on before and after; or they are cancelled, which
/// at worst comes too late. It is enough that each wait looks when it begins, and looks for itself
/// alone: one that goes on stops nobody, and a circle does not close without its last wait.
class BlockedWorkers {
 public:
  /// DeadlockError, and nothing changed, if `worker` would wait for ever.
  void add(BlockedWorker& worker);
  void remove(BlockedWorker& worker) noexcept;

  // A child of fork() has none of the threads. No other thread may be in here meanwhile.
  void before_fork() noexcept { mutex_.lock(); }
  void in_parent() noexcept { mutex_.unlock(); }
  void in_child() noexcept {
    first_ = nullptr;
    mutex_.unlock();
  }

 private:
  void link(BlockedWorker& worker) noexcept;
  void unlink(BlockedWorker& worker) noexcept;

  bool look(BlockedWorker& worker) noexcept;
  bool goes_on(BlockedWorker& worker) noexcept;
  bool goes_on(const FutureState& future) noexcept;
  bool queue_goes_on(const ThreadPoolCore& pool) noexcept;
  bool a_worker_goes_on(const ThreadPoolCore& pool) noexcept;
  bool gets_what_it_needs(const Awaited& awaited) noexcept;
  BlockedWorker* executor_of(const FutureState& future) const noexcept;
  std::optional<std::string> chain_from(BlockedWorker& worker);
  FutureState* what_stops(const BlockedWorker& worker) noexcept;

  FutexMutex mutex_;  // guards all of it, and the lists of the blocked workers
  BlockedWorker* first_ = nullptr;
  // The look that is being taken.
  int round_ = 0;
  bool has_news_ = false;
  // The last answer of queue_goes_on() in this round: many futures of one queue are one question.
  const ThreadPoolCore* asked_ = nullptr;
  bool answer_ = false;
};

namespace {

constinit BlockedWorkers blocked_workers;

[[maybe_unused]] const bool kRegistered = [] {
  pthread_atfork([] { blocked_workers.before_fork(); }, [] { blocked_workers.in_parent(); },
                 [] { blocked_workers.in_child(); });
  return true;
}();

}  // namespace

namespace {

/// DeadlockError if `loop`, whose thread is about to sleep, is what would have to end the wait.
void refuse_to_wait_for(const EventLoop* loop, const Awaited& awaited) {
  FutureState* its_own = nullptr;
  for (std::size_t i = 0; i < awaited.count; ++i) {
    FutureState* const future = awaited.at(awaited.waiter, i);
    if (future == nullptr || is_done(future->phase())) continue;
    if (future->event_loop() == loop) {
      its_own = future;
    } else if (awaited.need == Awaited::Need::kAny) {
      return;
    }
  }
  if (its_own != nullptr) its_own->before_wait();
}

}  // namespace

BlockedWorker::BlockedWorker(const Awaited& awaited, bool for_ever)
    : stack_(for_ever ? TaskStack::of_this_thread() : nullptr), awaited_(awaited) {
  if (const EventLoop* const loop = EventLoop::of_this_thread(); for_ever && loop != nullptr) {
    refuse_to_wait_for(loop, awaited_);
  }
  if (stack_ != nullptr) blocked_workers.add(*this);
}

BlockedWorker::~BlockedWorker() {
  if (stack_ != nullptr) blocked_workers.remove(*this);
}

// ---- who is there
// --------------------------------------------------------------------------------

void BlockedWorkers::add(BlockedWorker& worker) {
  std::lock_guard hold(mutex_);
  link(worker);
  try {
    while (!look(worker)) {
      if (const auto chain = chain_from(worker)) throw DeadlockError("waiting for ever: " + *chain);
      // Somebody cancelled what stopped it.
    }
  } catch (...) {
    unlink(worker);
    throw;
  }
}

void BlockedWorkers::remove(BlockedWorker& worker) noexcept {
  std::lock_guard hold(mutex_);
  unlink(worker);
}

void BlockedWorkers::link(BlockedWorker& worker) noexcept {
  worker.next_ = first_;
  if (first_ != nullptr) first_->previous_ = &worker;
  first_ = &worker;
}

void BlockedWorkers::unlink(BlockedWorker& worker) noexcept {
  (worker.previous_ != nullptr ? worker.previous_->next_ : first_) = worker.next_;
  if (worker.next_ != nullptr) worker.next_->previous_ = worker.previous_;
}

// ---- who goes on
// ---------------------------------------------------------------------------------

bool BlockedWorkers::look(BlockedWorker& worker) noexcept {
  for (BlockedWorker* each = first_; each != nullptr; each = each->next_) {
    each->goes_on_ = false;
    each->looked_at_in_ = 0;
    each->is_told_ = false;
  }
  // A round goes depth first and finds what goes on by a chain of any length. What it took for
  // stopped because it came back to where it was, it may have to take back: hence more rounds.
  round_ = 0;
  do {
    ++round_;
    has_news_ = false;
    asked_ = nullptr;
    if (goes_on(worker)) return true;
  } while (has_news_);
  return false;
}

bool BlockedWorkers::goes_on(BlockedWorker& worker) noexcept {
  if (!worker.goes_on_ && worker.looked_at_in_ != round_) {
    worker.looked_at_in_ = round_;
    worker.goes_on_ = gets_what_it_needs(worker.awaited_);
    has_news_ = has_news_ || worker.goes_on_;
  }
  return worker.goes_on_;
}

bool BlockedWorkers::gets_what_it_needs(const Awaited& awaited) noexcept {
  const bool any_is_enough = awaited.need == Awaited::Need::kAny;
  for (std::size_t i = 0; i < awaited.count; ++i) {
    const FutureState* future = awaited.at(awaited.waiter, i);
    if (future != nullptr && goes_on(*future) == any_is_enough) return any_is_enough;
  }
  return !any_is_enough;
}

bool BlockedWorkers::goes_on(const FutureState& future) noexcept {
  const Phase phase = future.phase();
  if (is_done(phase)) return true;
  const ThreadPoolCore* pool = future.thread_pool();
  if (pool == nullptr) return true;
  if (phase == Phase::kPending) return queue_goes_on(*pool);
  BlockedWorker* executor = executor_of(future);
  return executor == nullptr || goes_on(*executor);
}

bool BlockedWorkers::queue_goes_on(const ThreadPoolCore& pool) noexcept {
  if (asked_ == &pool) return answer_;
  const bool answer = a_worker_goes_on(pool);
  asked_ = &pool;
  return answer_ = answer;
}

bool BlockedWorkers::a_worker_goes_on(const ThreadPoolCore& pool) noexcept {
  int blocked = 0;
  for (BlockedWorker* each = first_; each != nullptr; each = each->next_) {
    if (&each->stack_->pool() == &pool) ++blocked;
  }
  // The task may have been done meanwhile, and its pool may be gone. It is there if it has a
  // blocked worker, which is kept here by the lock.
  if (blocked == 0 || blocked < pool.max_workers()) return true;
  for (BlockedWorker* each = first_; each != nullptr; each = each->next_) {
    if (&each->stack_->pool() == &pool && goes_on(*each)) return true;
  }
  return false;
}

BlockedWorker* BlockedWorkers::executor_of(const FutureState& future) const noexcept {
  BlockedWorker* each = first_;
  while (each != nullptr && !each->stack_->contains(future)) each = each->next_;
  return each;
}

// ---- telling
// -------------------------------------------------------------------------------------

FutureState* BlockedWorkers::what_stops(const BlockedWorker& worker) noexcept {
  const Awaited& awaited = worker.awaited_;
  for (std::size_t i = 0; i < awaited.count; ++i) {
    FutureState* future = awaited.at(awaited.waiter, i);
    if (future != nullptr && !goes_on(*future)) return future;
  }
  return nullptr;
}

/// None if a link of it has been cancelled since the look.
std::optional<std::string> BlockedWorkers::chain_from(BlockedWorker& worker) {
  std::string chain = "this task";
  for (BlockedWorker* waiting = &worker;;) {
    waiting->is_told_ = true;
    FutureState* future = what_stops(*waiting);
    if (future == nullptr) return std::nullopt;
    const bool may_choose =
        waiting->awaited_.need == Awaited::Need::kAny && waiting->awaited_.count > 1;
    // A handle does no harm: whoever waits has one, so this is not the last.
    chain += fmt::format(" waits for {}{}", may_choose ? "one of several futures, such as " : "",
                         to_string(AnyFuture(IntrusivePtr<FutureState>(future))));
    if (future->phase() == Phase::kPending) {
      const ThreadPoolCore& pool = *future->thread_pool();
      return chain + fmt::format(
                         ", which stands in the queue of a thread pool (prefix \"{}\") all of "
                         "whose {} workers wait",
                         pool.name_prefix(), pool.max_workers());
    }
    waiting = executor_of(*future);
    if (waiting == nullptr) return std::nullopt;
    if (waiting == &worker) return chain + ", which this thread executes";
    if (waiting->is_told_) return chain + ", whose task is among those";
    chain += ", whose task";
  }
}

}  // namespace poolmark::detail
