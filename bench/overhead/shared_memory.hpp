#pragma once

#include <sys/mman.h>

#include <cerrno>
#include <cstddef>
#include <new>
#include <system_error>

namespace bench {

/// Zeroed memory that this process and all children it forks from now on have in common, at the
/// same address. std::system_error if there is none.
class SharedMemory {
 public:
  explicit SharedMemory(std::size_t size)
      : size_(size),
        start_(mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0)) {
    if (start_ == MAP_FAILED) {
      throw std::system_error(errno, std::generic_category(), "cannot map shared memory");
    }
  }
  SharedMemory(const SharedMemory&) = delete;
  SharedMemory& operator=(const SharedMemory&) = delete;
  ~SharedMemory() { munmap(start_, size_); }

  void* start() const noexcept { return start_; }
  std::size_t size() const noexcept { return size_; }

 private:
  std::size_t size_;
  void* start_;
};

/// A T in memory of that kind. T needs no destructor.
template <class T>
class Shared {
 public:
  Shared() : memory_(sizeof(T)), value_(new(memory_.start()) T{}) {}

  T& operator*() const noexcept { return *value_; }
  T* operator->() const noexcept { return value_; }

 private:
  SharedMemory memory_;
  T* value_;
};

}  // namespace bench
