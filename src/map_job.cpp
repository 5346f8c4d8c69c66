#include "poolmark/detail/map_job.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <new>

#include "deadlock.hpp"
#include "map_pace.hpp"
#include "poolmark/detail/fork_guard.hpp"
#include "poolmark/detail/spin.hpp"
#include "poolmark/errors.hpp"

// "How a map works" in README.md tells why no wake-up is lost and who destroys what.
namespace poolmark::detail {

namespace {

/// What operator new cannot even be asked for is refused like what it does not have.
std::size_t checked_size(std::size_t size) {
  constexpr auto kMost = static_cast<std::size_t>(std::numeric_limits<std::ptrdiff_t>::max());
  if (size > kMost / sizeof(std::atomic<std::uint32_t>)) throw std::bad_alloc();
  return size;
}

}  // namespace

MapJob::MapJob(std::size_t size, std::optional<int> chunksize, MapOrder order)
    : size_(size),
      chunksize_(chunksize),
      fork_generation_(fork_generation()),
      pieces_(new std::atomic<std::uint32_t>[checked_size(size)]()),
      end_(size),
      unsettled_(size + 1) {
  if (order == MapOrder::kOfCompletion) finished_.emplace(size);
}

// ---- runners
// -------------------------------------------------------------------------------------

void MapJob::start(int max_workers) {
  const std::size_t chunk = chunksize_ ? static_cast<std::size_t>(*chunksize_) : 1;
  const std::size_t most_claims = size_ / chunk + (size_ % chunk != 0 ? 1 : 0);
  runners_ = std::min(static_cast<std::size_t>(max_workers), most_claims);
  tasks_.reserve(runners_);
  // An executor that runs tasks inside submit() needs only one.
  while (tasks_.size() < runners_ && cursor_.load(std::memory_order_relaxed) < size_) {
    tasks_.push_back(send_runner());
  }
}

AnyFuture MapJob::send_runner() {
  runners_left_.fetch_add(1, std::memory_order_relaxed);
  try {
    return submit_runner();
  } catch (...) {
    runners_left_.fetch_sub(1, std::memory_order_relaxed);
    throw;
  }
}

void MapJob::work() {
  if (chunksize_) {
    work_by_size(static_cast<std::size_t>(*chunksize_));
  } else {
    work_by_time();
  }
}

void MapJob::work_by_size(std::size_t size) {
  while (const Claim claim = claim_next([=](std::size_t) { return size; })) {
    const std::size_t unfinished = run_calls(claim);
    if (unfinished != claim.end) finish_values(unfinished, claim.end);
  }
}

void MapJob::work_by_time() {
  MapPace pace;
  std::size_t done = 0;  // all elements before this one are
  const auto size = [&](std::size_t unclaimed) { return pace.next_size(unclaimed, runners_); };
  while (const Claim claim = claim_next(size)) {
    const std::uint32_t long_claims = long_claims_.load(std::memory_order_relaxed);
    pace.begin(claim.size());
    const std::size_t unfinished = run_calls(claim);
    if (pace.end()) long_claims_.fetch_add(1, std::memory_order_release);
    if (unfinished != claim.end) finish_values(unfinished, claim.end);

    if (!pace.wants_more()) continue;
    // Of elements that wait for one another, the last to arrive takes no time at all. So the first
    // times what was claimed before must be done as well, and have taken no longer.
    if (pace.is_cautious() && (!are_done_up_to(claim.first, done) ||
                               long_claims_.load(std::memory_order_relaxed) != long_claims)) {
      continue;
    }
    pace.grow();
  }
}

bool MapJob::are_done_up_to(std::size_t first, std::size_t& done) const noexcept {
  while (done < first) {
    const Piece piece(pieces_[done].load(std::memory_order_acquire));
    if (!piece) return false;
    done += piece.size();
  }
  return true;
}

template <class Size>
MapJob::Claim MapJob::claim_next(Size size_for) noexcept {
  std::size_t first = cursor_.load(std::memory_order_relaxed);
  for (;;) {
    if (first >= size_) return {};
    if (executor_cancels()) {
      fail_unclaimed(std::make_exception_ptr(CancelledError()));
      return {};
    }
    const std::size_t unclaimed = size_ - first;
    const Claim claim{first, first + std::min(size_for(unclaimed), unclaimed)};
    if (cursor_.compare_exchange_weak(first, claim.end, std::memory_order_relaxed)) return claim;
  }
}

MapJob::Claim MapJob::claim_rest() noexcept {
  return {cursor_.exchange(size_, std::memory_order_relaxed), size_};
}

void MapJob::fail_unclaimed(const std::exception_ptr& error) noexcept {
  if (const Claim rest = claim_rest()) finish_failed(rest.first, rest.end, error);
}

void MapJob::note_runner_is_gone(const AnyFuture& task, bool has_begun) noexcept {
  const bool was_last = runners_left_.fetch_sub(1, std::memory_order_relaxed) == 1;
  const std::exception_ptr error =
      task.cancelled() ? std::make_exception_ptr(CancelledError()) : task.exception();
  // One that began ended with its thread, and the others go on.
  if (error && (!has_begun || was_last)) fail_unclaimed(error);
}

// ---- what comes of a claim
// -----------------------------------------------------------------------

void MapJob::finish_values(std::size_t first, std::size_t end) noexcept {
  if (first == end) return;
  settle(end - first);
  publish(first, Piece::of(end - first, false));
}

void MapJob::finish_failed(std::size_t first, std::size_t end,
                           const std::exception_ptr& error) noexcept {
  settle(end - first);
  while (first != end) {
    const std::size_t size = std::min(end - first, Piece::kMostElements);
    std::construct_at(error_in_cell(first), error);
    publish(first, Piece::of(size, true));
    first += size;
  }
}

void MapJob::finish_ended_thread(std::size_t first, std::size_t end) noexcept {
  finish_failed(first, end,
                std::make_exception_ptr(Error("the thread that ran the task was ended")));
  if (cursor_.load(std::memory_order_relaxed) >= size_) return;
  try {
    send_runner();
  } catch (...) {
    // The pool takes no more. If no other runner is left, note_runner_is_gone() finds out.
  }
}

void MapJob::settle(std::size_t calls) noexcept {
  if (unsettled_.fetch_sub(calls, std::memory_order_acq_rel) == calls) destroy_callables();
}

void MapJob::publish(std::size_t first, Piece piece) noexcept {
  pieces_[first].store(piece.word(), std::memory_order_seq_cst);
  if (finished_) finished_->put(first);
  const std::size_t wanted = finished_ ? kAnything : first;
  if (awaited_.load(std::memory_order_seq_cst) != wanted) return;
  is_called_.store(1, std::memory_order_seq_cst);
  futex_wake(&is_called_, 1);
}

// ---- the reader
// ----------------------------------------------------------------------------------

MapJob::Taken MapJob::take_piece(const Deadline& deadline) {
  if (const Taken done = take_done_piece()) return done;
  return wait_for_piece(deadline) ? take_done_piece() : Taken();
}

MapJob::Taken MapJob::take_done_piece() noexcept {
  const std::size_t first = finished_ ? finished_->take() : taken_;
  if (first == FinishedList::kNone) return {};
  const Piece piece(pieces_[first].load(std::memory_order_acquire));
  if (piece) {
    taken_ += piece.size();
    moderation_.count(1);
    last_size_ = piece.size();
  }
  return {.first = first, .piece = piece};
}

bool MapJob::is_next_done() const noexcept {
  if (finished_) return !finished_->empty();
  return pieces_[taken_].load(std::memory_order_seq_cst) != 0;
}

bool MapJob::wait_for_piece(const Deadline& deadline) {
  if (is_inherited()) {
    throw DeadlockError(
        "this map belongs to the parent process, and nobody in this one will run its calls: "
        "iterate over it in the process that began it");
  }
  if (!deadline) {
    offer_to_run_in_place();
    if (is_next_done()) return true;
  }
  if (!spinning_helps_beside(runners_)) {
    const std::size_t outstanding = (size_ - taken_) / last_size_;
    return (moderation_.let_results_gather(outstanding, deadline) && is_next_done()) ||
           sleep_unless_for_ever(deadline);
  }

  thread_local SpinBudget budget;
  using Clock = std::chrono::steady_clock;
  const auto begin = Clock::now();
  auto awake_for = budget.now();
  if (deadline) awake_for = std::min(awake_for, *deadline - begin);
  const bool is_there =
      spin_until([&] { return is_next_done(); }, awake_for) || sleep_unless_for_ever(deadline);
  budget.learn(Clock::now() - begin);
  return is_there;
}

void MapJob::offer_to_run_in_place() {
  for (const AnyFuture& task : tasks_) {
    if (!task.done() && !task.running()) task.state()->before_wait();
  }
}

bool MapJob::sleep_unless_for_ever(const Deadline& deadline) {
  if (deadline || TaskStack::of_this_thread() == nullptr) return sleep_for_piece(deadline);
  // The piece comes from a runner that has not ended. One that ends from here on has brought it.
  std::vector<FutureState*> runners;
  for (const AnyFuture& task : tasks_) {
    if (!task.done()) runners.push_back(task.state().get());
  }
  const auto at = [](void* waiter, std::size_t i) noexcept {
    return (*static_cast<std::vector<FutureState*>*>(waiter))[i];
  };
  const Awaited any{
      .at = at, .waiter = &runners, .count = runners.size(), .need = Awaited::Need::kAny};
  const BlockedWorker blocked(any, !runners.empty());
  return sleep_for_piece(deadline);
}

bool MapJob::sleep_for_piece(const Deadline& deadline) noexcept {
  for (bool in_time = true;;) {
    // In this order: a call that is told from here on ends the sleep.
    is_called_.store(0, std::memory_order_seq_cst);
    awaited_.store(finished_ ? kAnything : taken_, std::memory_order_seq_cst);
    const bool is_there = is_next_done();
    if (is_there || !in_time) {
      awaited_.store(kNothing, std::memory_order_relaxed);
      return is_there;
    }
    in_time = futex_wait(is_called_, 0, deadline);
  }
}

void MapJob::abandon() noexcept {
  if (const Claim rest = claim_rest()) {
    end_ = rest.first;
    settle(rest.size());
  }
  abandoned_.store(true, std::memory_order_relaxed);
  destroy_untaken();
  // In a forked child locks may be held for ever by threads that are not here.
  if (is_inherited()) return;
  for (const AnyFuture& task : tasks_) task.cancel();
}

void MapJob::await_calls() {
  while (taken_ < end_) {
    const Taken taken = take_piece_at_any_cost();
    destroy_piece(taken.first, taken.piece);
  }
}

MapJob::Taken MapJob::take_piece_at_any_cost() {
  try {
    return take_piece(std::nullopt);
  } catch (const DeadlockError& error) {
    if (is_inherited()) throw;
    fmt::print(stderr, "poolmark: a map cannot end, its tasks read the caller's range: {}\n",
               error.what());
    // With a deadline, if a distant one, a wait is never refused.
    return take_piece(std::chrono::steady_clock::time_point::max());
  }
}

void MapJob::leave() noexcept {
  tasks_.clear();  // one that still waits in its queue refers to this job
  settle(1);
}

void MapJob::destroy_untaken() noexcept {
  while (taken_ < end_) {
    const Taken done = take_done_piece();
    if (!done) return;
    destroy_piece(done.first, done.piece);
  }
}

void MapJob::destroy_piece(std::size_t first, Piece piece) noexcept {
  if (piece.failed()) {
    std::destroy_at(error_in_cell(first));
  } else {
    destroy_values(first, piece.size());
  }
}

bool MapJob::is_inherited() const noexcept { return fork_generation_ != fork_generation(); }

}  // namespace poolmark::detail
