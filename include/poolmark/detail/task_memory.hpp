#pragma once

#include <cstddef>
#include <new>

namespace poolmark::detail {

/// What allocate_task() gives is aligned to.
inline constexpr std::size_t kTaskAlignment = 64;

/// Memory for tasks: whole cache lines, so that two threads at work on neighbouring tasks do not
/// fight for a line, and next to one another, so that the processor fetches ahead. Any thread may
/// free what another one allocated. Throws std::bad_alloc.
///
/// A page of 63 small tasks is returned when all of them are gone: a future that is kept for long
/// keeps up to 4 KiB. Measured against malloc:
/// docs/investigations/2026-11-21-thread-pool-overhead.md.
void* allocate_task(std::size_t bytes);
void free_task(void* task, std::size_t bytes) noexcept;

/// Base class of the classes of tasks that live there: InTaskMemory<Task> for Task.
template <class Task>
struct InTaskMemory {
  static void* operator new(std::size_t bytes) {
    if constexpr (alignof(Task) > kTaskAlignment) {
      return ::operator new(bytes, std::align_val_t(alignof(Task)));
    } else {
      return allocate_task(bytes);
    }
  }
  static void operator delete(void* memory, std::size_t bytes) noexcept {
    if constexpr (alignof(Task) > kTaskAlignment) {
      ::operator delete(memory, std::align_val_t(alignof(Task)));
    } else {
      free_task(memory, bytes);
    }
  }
};

}  // namespace poolmark::detail
