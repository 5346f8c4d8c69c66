#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "process/ring.hpp"
#include "process/shared_memory.hpp"

// What the pool and one worker share, and nobody else maps: README.md tells the protocol.
namespace poolmark::detail {

/// Tasks that may be in flight to one worker at once.
constexpr std::uint32_t kSlots = 256;

/// What a worker does now. Written by the worker, read by the pool when the worker has died.
enum class Doing : std::uint32_t {
  kStarting,
  kWaiting,
  kReadingArguments,
  kRunning,
  kWritingResult,
  kCallingExit,
};

/// The state of a slot, in the low bits of its word; above them stands the number of the task, so
/// that a word about an old task never passes for one about its successor.
enum class SlotState : std::uint64_t {
  kFree,     // nothing was sent here yet
  kQueued,   // sent by the pool; either end may move it on, by compare-and-swap
  kTaken,    // by the worker: it will run, and cannot be cancelled any more
  kRevoked,  // by the pool: the worker skips it
};

constexpr std::uint64_t slot_word(std::uint64_t number, SlotState state) noexcept {
  return number << 2 | static_cast<std::uint64_t>(state);
}

struct ChannelHeader {
  /// 1: the worker sleeps, or is about to look a last time before it does. Set by the worker,
  /// cleared by whoever wakes it.
  alignas(kCacheLine) std::atomic<std::uint32_t> worker_parked{0};
  /// 1: the worker shall end when it has nothing to read. Set by the pool.
  std::atomic<std::uint32_t> closing{0};
  /// 1: the pool has bytes for the task ring that did not fit. Set by the pool, cleared by the
  /// worker, which then rings.
  std::atomic<std::uint32_t> pool_wants_space{0};
  /// 1: the worker waits until the result ring has room. Set by the worker, cleared by the pool.
  alignas(kCacheLine) std::atomic<std::uint32_t> worker_wants_space{0};
  std::atomic<Doing> doing{Doing::kStarting};

  RingControl tasks;    // written by the pool
  RingControl results;  // written by the worker
  alignas(kCacheLine) std::atomic<std::uint64_t> slots[kSlots];
};

constexpr std::uint32_t kNoSlot = ~std::uint32_t{0};

/// Before a task's bytes in the task ring.
struct TaskHeader {
  std::uint64_t number;  // of the task, counted for each worker
  std::uint64_t thunk;   // address of the code that runs it
  std::uint64_t size;    // of the bytes that follow
  std::uint32_t slot;    // kNoSlot: an initializer, which cannot be revoked
  std::uint32_t unused;
};

/// Before a result's bytes in the result ring.
struct ResultHeader {
  std::uint64_t number;
  std::uint64_t size;
  std::uint32_t outcome;  // a CallOutcome
  std::uint32_t check;    // kResultCheck: a worker whose memory went wild is found out early
};

constexpr std::uint32_t kResultCheck = 0x706d7273;

/// One mapping of a channel, in the pool or in the worker.
class Channel {
 public:
  /// In the pool. Throws std::system_error.
  static Channel create(std::size_t ring_bytes);
  /// In the worker, from the pool's memory file.
  static Channel open(OwnedFd memory_file, std::size_t ring_bytes);

  ChannelHeader& header() const noexcept { return *header_; }
  RingWriter task_writer() const noexcept { return {header_->tasks, tasks_, ring_bytes_}; }
  RingReader task_reader() const noexcept { return {header_->tasks, tasks_, ring_bytes_}; }
  RingWriter result_writer() const noexcept { return {header_->results, results_, ring_bytes_}; }
  RingReader result_reader() const noexcept { return {header_->results, results_, ring_bytes_}; }

  /// The memory file, until the worker has it.
  OwnedFd take_memory_file() noexcept { return std::move(memory_file_); }

 private:
  Channel(OwnedFd memory_file, std::size_t ring_bytes);

  OwnedFd memory_file_;
  std::size_t ring_bytes_;
  SharedMapping mapping_;
  ChannelHeader* header_ = nullptr;
  std::byte* tasks_ = nullptr;
  std::byte* results_ = nullptr;
};

}  // namespace poolmark::detail
