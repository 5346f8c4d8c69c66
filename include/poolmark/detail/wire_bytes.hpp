#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

#include "poolmark/detail/shared_block.hpp"

namespace poolmark::detail {

/// A growing string of bytes. Short ones, which most calls and results are, live inside the object
/// and cost no allocation; growth never writes zeros first, and large blocks grow in place where
/// the allocator can. Very long ones go into memory that another process can map, where a source of
/// it is given.
class Bytes {
 public:
  Bytes() = default;
  /// `blocks` must stay as long as this or whatever it is moved to; null: none.
  explicit Bytes(SharedBlocks* blocks) noexcept : blocks_(blocks) {}
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

  std::byte* data() noexcept { return outside_ != nullptr ? outside_ : inline_; }
  const std::byte* data() const noexcept { return outside_ != nullptr ? outside_ : inline_; }
  std::size_t size() const noexcept { return size_; }
  std::size_t capacity() const noexcept { return capacity_; }
  /// The shared memory that this is in; null: none.
  SharedBlock* block() const noexcept { return block_; }

  /// Keeps the memory for the next content.
  void clear() noexcept {
    size_ = 0;
    attached_.reset();
  }
  /// So many bytes of the memory are content now: fewer than before, or another process has put
  /// them there. No more than capacity().
  void set_size(std::size_t size) noexcept { size_ = size; }
  /// Gives the memory back.
  void release() noexcept;

  /// Keeps `object` as long as the content: what the bytes speak of must exist until they have been
  /// read.
  void attach(std::shared_ptr<const void> object);

  /// Makes room for `count` more bytes, whose content is not set, and returns where they start.
  /// std::bad_alloc when there is no memory; the content is unharmed then.
  std::byte* extend(std::size_t count) {
    if (count > capacity_ - size_) grow(count);
    std::byte* start = data() + size_;
    size_ += count;
    return start;
  }

 private:
  // A closure of a few words and its arguments. A task of a process pool that gives a word fits in
  // four cache lines with it.
  static constexpr std::size_t kInlineBytes = 56;

  // From here on a copy through a ring costs more than mapping a file. Half a ring.
  static constexpr std::size_t kWorthSharing = std::size_t{128} << 10;

  void grow(std::size_t count);
  bool move_to_block(std::size_t roomy) noexcept;
  void give_memory_back() noexcept;
  void take(Bytes& other) noexcept;

  std::byte* outside_ = nullptr;  // on the heap or in block_; null: inline
  SharedBlocks* blocks_ = nullptr;
  SharedBlock* block_ = nullptr;
  struct Attached;
  std::shared_ptr<const Attached> attached_;
  std::size_t size_ = 0;
  std::size_t capacity_ = kInlineBytes;
  std::byte inline_[kInlineBytes];
};

}  // namespace poolmark::detail
