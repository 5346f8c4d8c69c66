#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <stdexcept>

// A stream of bytes from one process to one other through a circular buffer. Records of any size
// flow through in pieces. Each end keeps its own counter to itself and only publishes it: what the
// other end wrote is the only thing it reads, and the only thing it has to check.
namespace poolmark::detail {

constexpr std::size_t kCacheLine = 64;

/// The counters of a ring in shared memory, one cache line for each end.
struct RingControl {
  /// Bytes ever written. Stored by the writer after the bytes: whoever sees it sees them.
  alignas(kCacheLine) std::atomic<std::uint64_t> written{0};
  /// Bytes ever read. Stored by the reader after its copy: whoever sees it may overwrite them.
  alignas(kCacheLine) std::atomic<std::uint64_t> read{0};
};

/// The other end published a counter that no correct program publishes.
class RingCorrupt : public std::runtime_error {
 public:
  RingCorrupt() : std::runtime_error("the counters of a shared ring make no sense") {}
};

// Both ends load the other's counter, and store their own, with seq_cst: falling asleep is "say so,
// then look again", and waking is "publish, then look whether somebody sleeps". Of the two looks
// one must see the other's store.

class RingWriter {
 public:
  RingWriter() = default;
  /// `capacity` is a power of two.
  RingWriter(RingControl& control, std::byte* buffer, std::size_t capacity) noexcept
      : control_(&control), buffer_(buffer), capacity_(capacity) {}

  /// Bytes that may be written now. Throws RingCorrupt.
  std::size_t free_space() {
    const std::uint64_t used = written_ - control_->read.load(std::memory_order_seq_cst);
    if (used > capacity_) throw RingCorrupt();
    free_ = capacity_ - used;
    return free_;
  }

  /// Whether `count` bytes fit; looks at the other end's cache line only if it must.
  bool fits(std::size_t count) { return count <= free_ || count <= free_space(); }

  /// Copies up to `count` bytes in, as many as there is room for, and returns how many. The reader
  /// does not see them before publish().
  std::size_t write_some(const void* from, std::size_t count) {
    count = std::min(count, free_ >= count ? free_ : free_space());
    const std::size_t at = written_ & (capacity_ - 1);
    const std::size_t until_end = std::min(count, capacity_ - at);
    if (until_end != 0) std::memcpy(buffer_ + at, from, until_end);
    if (count > until_end) {
      std::memcpy(buffer_, static_cast<const std::byte*>(from) + until_end, count - until_end);
    }
    written_ += count;
    free_ -= count;
    return count;
  }

  void publish() noexcept { control_->written.store(written_, std::memory_order_seq_cst); }

 private:
  RingControl* control_ = nullptr;
  std::byte* buffer_ = nullptr;
  std::size_t capacity_ = 0;
  std::uint64_t written_ = 0;
  std::size_t free_ = 0;  // as of the last look at the other end
};

class RingReader {
 public:
  RingReader() = default;
  RingReader(RingControl& control, const std::byte* buffer, std::size_t capacity) noexcept
      : control_(&control), buffer_(buffer), capacity_(capacity) {}

  /// Bytes that may be read now. Throws RingCorrupt.
  std::size_t available() {
    const std::uint64_t ready = control_->written.load(std::memory_order_seq_cst) - read_;
    if (ready > capacity_) throw RingCorrupt();
    available_ = ready;
    return available_;
  }

  /// Whether `count` bytes are there; looks at the other end's cache line only if it must.
  bool holds(std::size_t count) { return count <= available_ || count <= available(); }

  /// Whether anything is there that has not been read, without touching this end's state.
  bool has_news() const noexcept {
    return control_->written.load(std::memory_order_seq_cst) != read_;
  }

  /// Copies up to `count` bytes out (null: drops them), as many as there are. The writer does not
  /// get the room back before publish().
  std::size_t read_some(void* into, std::size_t count) {
    count = std::min(count, available_ >= count ? available_ : available());
    if (into != nullptr) {
      const std::size_t at = read_ & (capacity_ - 1);
      const std::size_t until_end = std::min(count, capacity_ - at);
      if (until_end != 0) std::memcpy(into, buffer_ + at, until_end);
      if (count > until_end) {
        std::memcpy(static_cast<std::byte*>(into) + until_end, buffer_, count - until_end);
      }
    }
    read_ += count;
    available_ -= count;
    return count;
  }

  void publish() noexcept { control_->read.store(read_, std::memory_order_seq_cst); }

 private:
  RingControl* control_ = nullptr;
  const std::byte* buffer_ = nullptr;
  std::size_t capacity_ = 0;
  std::uint64_t read_ = 0;
  std::size_t available_ = 0;  // as of the last look at the other end
};

}  // namespace poolmark::detail
