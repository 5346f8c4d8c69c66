#include "task_stack.hpp"

#include "poolmark/detail/thread_pool_core.hpp"

namespace poolmark::detail {
namespace {

// Documented in ThreadPoolOptions. A frame of a task and what runs it in place take some hundred
// bytes beside what the task itself needs, so what limits the depth is the tasks' own frames: 64 of
// 100 KB each fit in the 8 MB that a thread has.
constexpr int kMostInPlace = 64;

constinit thread_local TaskStack* stack_of_this_thread = nullptr;

}  // namespace

TaskStack::TaskStack(ThreadPoolCore& pool) noexcept : pool_(pool) { stack_of_this_thread = this; }

TaskStack::~TaskStack() { stack_of_this_thread = nullptr; }

TaskStack* TaskStack::of_this_thread() noexcept {
  TaskStack* stack = stack_of_this_thread;
  return stack == nullptr || stack->pool_.is_inherited() ? nullptr : stack;
}

bool TaskStack::may_nest() const noexcept {
  // Nothing is executed in an initializer, which comes before every task of its worker.
  if (top_ == nullptr) return false;
  int in_place = 0;
  for (const Frame* frame = top_; frame->below != nullptr; frame = frame->below) ++in_place;
  return in_place < kMostInPlace;
}

bool TaskStack::contains(const FutureState& task) const noexcept {
  const Frame* frame = top_;
  while (frame != nullptr && frame->task != &task) frame = frame->below;
  return frame != nullptr;
}

}  // namespace poolmark::detail
