#include "poolmark/task_options.hpp"
#include "process/worker.hpp"

// The clock of a task with a deadline. The worker writes when it begins the task, and nothing wakes
// the pool for that: the task cannot be overdue before it could have begun.
namespace poolmark::detail {
namespace {

// How often, at most, a task is looked at that has not begun.
constexpr std::chrono::milliseconds kBetweenLooks{1};

}  // namespace

std::chrono::nanoseconds checked_deadline(const TaskOptions& options) {
  const auto& limit = options.deadline.limit();
  if (!limit) return std::chrono::nanoseconds(0);
  if (limit->count() > 0) return *limit;
  throw std::invalid_argument(
      "the deadline of a task must be longer than zero; leave it out for none");
}

void Worker::start_deadline(TaskRecord& task) noexcept {
  timed_task_ = &task;
  timed_since_.reset();
  look_at_ = Clock::now() + task.deadline;
  // Relaxed: the word of the cell, stored after it, publishes them to the worker.
  shared().started_at.store(0, std::memory_order_relaxed);
  shared().timed_task.store(task.number, std::memory_order_relaxed);
}

bool Worker::is_overdue(Clock::time_point now) noexcept {
  if (timed_task_ == nullptr || now < look_at_) return false;
  const auto allowed = timed_task_->deadline;
  if (!timed_since_) {
    // Relaxed: a number, and nothing is read because of it.
    const std::int64_t started = shared().started_at.load(std::memory_order_relaxed);
    if (started == 0) {
      look_at_ = now + std::max<std::chrono::nanoseconds>(allowed, kBetweenLooks);
      return false;
    }
    // A worker gone wild must not put its end off for ever: read once, and not after now.
    timed_since_ = std::min(Clock::time_point(std::chrono::nanoseconds(started)), now);
    look_at_ = *timed_since_ + allowed;
    if (now < look_at_) return false;
  }
  const std::uint64_t number = timed_task_->number;
  std::uint64_t taken = cell_word(number, CellState::kTaken);
  // Acquire-release against the worker's own attempt to be done: exactly one of the two succeeds.
  const bool won = cell(number).word.compare_exchange_strong(
      taken, cell_word(number, CellState::kTimedOut), std::memory_order_acq_rel,
      std::memory_order_acquire);
  look_at_ = Clock::time_point::max();
  return won;
}

}  // namespace poolmark::detail
