#include "poolmark/detail/task_queue.hpp"

#include <sched.h>

#include <mutex>
#include <utility>
#include <vector>

#include "poolmark/detail/spin.hpp"

namespace poolmark::detail {
namespace {

// Four kilobytes with the link: an allocation, and a step to new cache lines, every 511 tasks.
constexpr std::size_t kTasksInSegment = 511;

// The popper asks for the cache lines of a task so many places before it comes to it: fetching them
// from the core that wrote them takes about as long as running two short tasks.
constexpr std::size_t kPrefetchAhead = 6;

}  // namespace

struct TaskQueue::Segment {
  FutureState* tasks[kTasksInSegment];
  // Written before the first task of the next segment is published, read after it was seen.
  Segment* next = nullptr;
};

FutureState*& TaskQueue::Cursor::step() noexcept {
  if (index == kTasksInSegment) *this = {segment->next, 0};
  return segment->tasks[index++];
}

TaskQueue::TaskQueue() {
  in_.segment = new Segment;
  out_ = in_;
}

TaskQueue::~TaskQueue() {
  while (pop()) {
  }
  delete out_.segment;
  delete spare_.load(std::memory_order_acquire);
}

void TaskQueue::push(QueueEntry task) {
  if (in_.index == kTasksInSegment) {
    Segment* fresh = spare_.exchange(nullptr, std::memory_order_acquire);
    if (fresh == nullptr) fresh = new Segment;
    fresh->next = nullptr;
    in_.segment->next = fresh;
  }
  FutureState* pushed = task.release();
  in_.step() = pushed;
  newest_.store(pushed, std::memory_order_relaxed);
  pusher_cpu_.store(sched_getcpu(), std::memory_order_relaxed);
  pushed_.store(pushed_.load(std::memory_order_relaxed) + 1, std::memory_order_release);
}

QueueEntry TaskQueue::pop() noexcept {
  FutureState* task = nullptr;
  Segment* emptied = nullptr;
  {
    std::lock_guard hold(exit_);
    const std::uint64_t popped = popped_.load(std::memory_order_relaxed);
    if (seen_pushed_.load(std::memory_order_relaxed) == popped && !look_at_entrance(popped)) {
      return nullptr;
    }
    if (out_.index == kTasksInSegment) emptied = out_.segment;
    task = out_.step();
    const std::size_t ahead = out_.index + kPrefetchAhead - 1;
    const std::uint64_t left = seen_pushed_.load(std::memory_order_relaxed) - popped;
    if (ahead < kTasksInSegment && left > kPrefetchAhead) {
      prefetch_for_writing(out_.segment->tasks[ahead]);
    }
    popped_.store(popped + 1, std::memory_order_release);
  }
  if (emptied != nullptr) delete spare_.exchange(emptied, std::memory_order_acq_rel);
  return QueueEntry(task);
}

bool TaskQueue::look_at_entrance(std::uint64_t popped) noexcept {
  const std::uint64_t pushed = pushed_.load(std::memory_order_acquire);
  if (pushed == popped) return false;
  // If it is the only one, it is on its way here while its slot is.
  prefetch_for_writing(newest_.load(std::memory_order_relaxed));
  seen_pushed_.store(pushed, std::memory_order_relaxed);
  seen_pusher_cpu_.store(pusher_cpu_.load(std::memory_order_relaxed), std::memory_order_relaxed);
  return true;
}

void TaskQueue::sweep() noexcept {
  // Let go of when the locks are free: a task that was run in place may hold a value of the user's.
  std::vector<QueueEntry> hollow;
  try {
    hollow.reserve(size());
  } catch (const std::bad_alloc&) {
    return;
  }
  std::lock_guard hold_entrance(entrance_);
  std::lock_guard hold_exit(exit_);
  const std::uint64_t popped = popped_.load(std::memory_order_relaxed);
  const std::uint64_t pushed = pushed_.load(std::memory_order_relaxed);
  Cursor from = out_;
  Cursor to = out_;
  std::uint64_t kept = popped;
  for (std::uint64_t i = popped; i < pushed; ++i) {
    FutureState* task = from.step();
    if (is_done(task->phase()) && hollow.size() < hollow.capacity()) {
      hollow.emplace_back(task);
      continue;
    }
    to.step() = task;
    ++kept;
  }
  Segment* emptied = std::exchange(to.segment->next, nullptr);
  while (emptied != nullptr) delete std::exchange(emptied, emptied->next);
  in_ = to;
  seen_pushed_.store(kept, std::memory_order_relaxed);
  pushed_.store(kept, std::memory_order_release);
}

}  // namespace poolmark::detail
