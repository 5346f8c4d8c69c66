#pragma once

#include <sys/types.h>

#include <cstddef>
#include <utility>

#include "process/owned_fd.hpp"

namespace poolmark::detail {

/// A mapping of memory that other processes map too; unmapped when its owner goes.
class SharedMapping {
 public:
  SharedMapping() = default;
  /// Maps all `size` bytes of the memory file. Throws std::system_error.
  SharedMapping(int memory_file, std::size_t size);
  SharedMapping(SharedMapping&& other) noexcept
      : base_(std::exchange(other.base_, nullptr)), size_(other.size_) {}
  SharedMapping& operator=(SharedMapping&& other) noexcept {
    std::swap(base_, other.base_);
    std::swap(size_, other.size_);
    return *this;
  }
  ~SharedMapping();

  std::byte* data() const noexcept { return base_; }
  explicit operator bool() const noexcept { return base_ != nullptr; }

 private:
  std::byte* base_ = nullptr;
  std::size_t size_ = 0;
};

/// Of the machine, in bytes.
std::size_t physical_memory() noexcept;

/// Anonymous memory of `size` zero bytes that can be handed to another process. The memory is
/// reserved here and now: a full machine shows as std::system_error, not as SIGBUS on some later
/// access. A memory file, unlike /dev/shm, is not limited by the 64 MiB that containers give.
OwnedFd make_memory_file(const char* name, std::size_t size);

/// Gives its memory back to the system, though other processes may still have it mapped. The
/// content is gone then.
void free_memory_of(int memory_file, std::size_t size) noexcept;

/// What another process has open as `descriptor`; none, and errno says why, where the system does
/// not allow it. So a file crosses by name: processes that meet only in shared memory have no
/// socket that could carry the descriptor.
OwnedFd open_file_of(pid_t process, int descriptor);

}  // namespace poolmark::detail
