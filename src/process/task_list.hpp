#pragma once

#include <cstddef>
#include <utility>

#include "poolmark/detail/process_task.hpp"

namespace poolmark::detail {

/// A FIFO of tasks linked through themselves. Holds one reference to each one's future, which
/// passes to whoever takes the task out.
class TaskList {
 public:
  TaskList() = default;
  TaskList(TaskList&& other) noexcept
      : first_(std::exchange(other.first_, nullptr)),
        last_(std::exchange(other.last_, nullptr)),
        size_(std::exchange(other.size_, 0)) {}
  TaskList& operator=(TaskList&&) = delete;
  ~TaskList() {
    while (!empty()) pop_front().future.drop_ref();
  }

  bool empty() const noexcept { return first_ == nullptr; }
  std::size_t size() const noexcept { return size_; }
  TaskRecord& front() noexcept { return *first_; }

  void push_back(TaskRecord& task) noexcept {
    task.previous = last_;
    task.next = nullptr;
    (last_ == nullptr ? first_ : last_->next) = &task;
    last_ = &task;
    ++size_;
  }

  void push_front(TaskRecord& task) noexcept {
    task.previous = nullptr;
    task.next = first_;
    (first_ == nullptr ? last_ : first_->previous) = &task;
    first_ = &task;
    ++size_;
  }

  void remove(TaskRecord& task) noexcept {
    (task.previous == nullptr ? first_ : task.previous->next) = task.next;
    (task.next == nullptr ? last_ : task.next->previous) = task.previous;
    --size_;
  }

  TaskRecord& pop_front() noexcept {
    TaskRecord& task = *first_;
    remove(task);
    return task;
  }

  template <class F>
  void for_each(F visit) {
    for (TaskRecord* task = first_; task != nullptr; task = task->next) visit(*task);
  }

  TaskRecord& pop_back() noexcept {
    TaskRecord& task = *last_;
    remove(task);
    return task;
  }

 private:
  TaskRecord* first_ = nullptr;
  TaskRecord* last_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace poolmark::detail
