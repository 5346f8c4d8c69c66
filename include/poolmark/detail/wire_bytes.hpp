#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

namespace poolmark::detail {

/// A growing string of bytes. Short ones, which most calls and results are, live inside the object
/// and cost no allocation; growth never writes zeros first, and large blocks grow in place where
/// the allocator can.
class Bytes {
 public:
  Bytes() = default;
  Bytes(const Bytes&) = delete;
  Bytes& operator=(const Bytes&) = delete;
  Bytes(Bytes&& other) noexcept { take(other); }
  Bytes& operator=(Bytes&& other) noexcept {
    if (this != &other) {
      release();
      take(other);
    }
    return *this;
  }
  ~Bytes() { release(); }

  std::byte* data() noexcept { return heap_ != nullptr ? heap_ : inline_; }
  const std::byte* data() const noexcept { return heap_ != nullptr ? heap_ : inline_; }
  std::size_t size() const noexcept { return size_; }

  /// Keeps the memory for the next content.
  void clear() noexcept { size_ = 0; }
  void truncate(std::size_t size) noexcept { size_ = size; }
  /// Gives the memory back.
  void release() noexcept;

  /// Makes room for `count` more bytes, whose content is not set, and returns where they start.
  /// std::bad_alloc when there is no memory; the content is unharmed then.
  std::byte* extend(std::size_t count) {
    if (count > capacity_ - size_) grow(count);
    std::byte* start = data() + size_;
    size_ += count;
    return start;
  }

 private:
  // A closure of a few words and its arguments: 64 bytes keep the whole object in two cache lines.
  static constexpr std::size_t kInlineBytes = 64;

  void grow(std::size_t count);
  void take(Bytes& other) noexcept;

  std::byte* heap_ = nullptr;
  std::size_t size_ = 0;
  std::size_t capacity_ = kInlineBytes;
  alignas(std::max_align_t) std::byte inline_[kInlineBytes];
};

}  // namespace poolmark::detail
