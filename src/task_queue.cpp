#include "poolmark/detail/task_queue.hpp"

#include <mutex>
#include <utility>

namespace poolmark::detail {
namespace {

// Four kilobytes with the link: an allocation, and a step to new cache lines, every 511 tasks.
constexpr std::size_t kTasksInSegment = 511;

// The popper asks for the cache lines of a task so many places before it comes to it: fetching them
// from the core that wrote them takes about as long as running two short tasks.
constexpr std::size_t kPrefetchAhead = 2;

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
  while (FutureState* task = pop()) task->drop_ref();
  delete out_.segment;
  delete spare_.load(std::memory_order_acquire);
}

void TaskQueue::push(FutureState* task) {
  if (in_.index == kTasksInSegment) {
    Segment* fresh = spare_.exchange(nullptr, std::memory_order_acquire);
    if (fresh == nullptr) fresh = new Segment;
    fresh->next = nullptr;
    in_.segment->next = fresh;
  }
  in_.step() = task;
  pushed_.store(pushed_.load(std::memory_order_relaxed) + 1, std::memory_order_release);
}

FutureState* TaskQueue::pop() noexcept {
  FutureState* task = nullptr;
  Segment* emptied = nullptr;
  {
    std::lock_guard hold(exit_);
    const std::uint64_t popped = popped_.load(std::memory_order_relaxed);
    if (seen_pushed_ == popped) {
      seen_pushed_ = pushed_.load(std::memory_order_acquire);
      if (seen_pushed_ == popped) return nullptr;
    }
    if (out_.index == kTasksInSegment) emptied = out_.segment;
    task = out_.step();
    const std::size_t ahead = out_.index + kPrefetchAhead - 1;
    if (ahead < kTasksInSegment && seen_pushed_ - popped > kPrefetchAhead) {
      __builtin_prefetch(out_.segment->tasks[ahead], /*for writing*/ 1);
    }
    popped_.store(popped + 1, std::memory_order_release);
  }
  if (emptied != nullptr) delete spare_.exchange(emptied, std::memory_order_acq_rel);
  return task;
}

void TaskQueue::sweep() noexcept {
  std::lock_guard hold_entrance(entrance_);
  std::lock_guard hold_exit(exit_);
  const std::uint64_t popped = popped_.load(std::memory_order_relaxed);
  const std::uint64_t pushed = pushed_.load(std::memory_order_relaxed);
  Cursor from = out_;
  Cursor to = out_;
  std::uint64_t kept = popped;
  for (std::uint64_t i = popped; i < pushed; ++i) {
    FutureState* task = from.step();
    if (is_done(task->phase())) {
      // No code of the user's runs here: the callable of a cancelled task is destroyed by the one
      // who cancels, and holds a reference while it does that.
      task->drop_ref();
      continue;
    }
    to.step() = task;
    ++kept;
  }
  Segment* emptied = std::exchange(to.segment->next, nullptr);
  while (emptied != nullptr) delete std::exchange(emptied, emptied->next);
  in_ = to;
  seen_pushed_ = kept;
  pushed_.store(kept, std::memory_order_release);
}

}  // namespace poolmark::detail
