#pragma once

#include <cstddef>
#include <limits>
#include <memory>
#include <span>
#include <stdexcept>
#include <type_traits>
#include <utility>

#include "poolmark/wire.hpp"

namespace poolmark {

namespace detail {

/// Memory that this process made for its workers, or one of them has mapped.
struct BufferMemory {
  BufferMemory() = default;
  BufferMemory(const BufferMemory&) = delete;
  BufferMemory& operator=(const BufferMemory&) = delete;
  virtual ~BufferMemory() = default;

  void* data = nullptr;
  std::size_t bytes = 0;
};

std::shared_ptr<BufferMemory> make_buffer_memory(std::size_t bytes);
void put_buffer(WireWriter& to, const std::shared_ptr<BufferMemory>& memory);
/// Null if an empty buffer was put.
std::shared_ptr<BufferMemory> get_buffer(WireReader& from);

}  // namespace detail

/// An array in memory that a process and its workers share: passed to a task or returned by one, it
/// is not copied. A handle; copies refer to the same elements.
///
///     poolmark::SharedBuffer<double> matrix(1'000'000);
///     std::ranges::fill(matrix, 1.0);
///     pool.submit([](poolmark::SharedBuffer<double> m, int row) { ... }, matrix, 3).result();
///
/// A task sees what was written before it was submitted, and who has its result sees what it wrote.
/// Between tasks that run at once nothing is ordered: let them write to different elements, or use
/// std::atomic_ref. Works with threads too.
///
/// Make it in the process that has the pool; one that a task makes cannot leave its worker. The
/// memory is freed with the last handle in the process that made it, tasks under way counted.
template <class T>
class SharedBuffer {
  static_assert(
      std::is_trivially_copyable_v<T> && !std::is_const_v<T>,
      "poolmark: the elements of a SharedBuffer are read by other processes as bytes: they "
      "must be trivially copyable, without pointers");

 public:
  using value_type = T;

  /// Has no elements.
  SharedBuffer() = default;
  /// `size` elements whose bytes are zero. The memory is reserved at once: std::system_error if the
  /// system refuses it, std::length_error if there cannot be so much.
  explicit SharedBuffer(std::size_t size) : size_(size) {
    if (size > std::numeric_limits<std::ptrdiff_t>::max() / sizeof(T)) {
      throw std::length_error("a SharedBuffer of so many elements is larger than any memory");
    }
    if (size != 0) memory_ = detail::make_buffer_memory(size * sizeof(T));
  }

  std::size_t size() const noexcept { return size_; }
  bool empty() const noexcept { return size_ == 0; }
  // A handle, like a pointer: const says nothing about the elements.
  T* data() const noexcept { return memory_ ? static_cast<T*>(memory_->data) : nullptr; }
  T* begin() const noexcept { return data(); }
  T* end() const noexcept { return data() + size_; }
  T& operator[](std::size_t i) const noexcept { return data()[i]; }
  std::span<T> span() const noexcept { return {data(), size_}; }

  /// Whether both refer to the same elements.
  friend bool operator==(const SharedBuffer&, const SharedBuffer&) = default;

 private:
  friend struct Wire<SharedBuffer>;

  std::shared_ptr<detail::BufferMemory> memory_;
  std::size_t size_ = 0;
};

template <class T>
struct Wire<SharedBuffer<T>> {
  static void put(WireWriter& to, const SharedBuffer<T>& buffer) {
    detail::put_buffer(to, buffer.memory_);
  }
  static SharedBuffer<T> get(WireReader& from) {
    SharedBuffer<T> buffer;
    buffer.memory_ = detail::get_buffer(from);
    buffer.size_ = buffer.memory_ ? buffer.memory_->bytes / sizeof(T) : 0;
    return buffer;
  }
};

}  // namespace poolmark
