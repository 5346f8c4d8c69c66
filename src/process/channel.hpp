#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "process/ring.hpp"
#include "process/shared_memory.hpp"

// What the pool and one worker share, and nobody else maps: README.md tells the protocol.
namespace poolmark::detail {

/// Tasks that may be on their way to one worker at once. A power of two.
constexpr std::size_t kCells = 256;

/// What a worker does now. Written by the worker, read by the pool when the worker has died.
enum class Doing : std::uint32_t {
  kStarting,
  kWaiting,
  kReadingArguments,
  kRunning,
  kWritingResult,
  kCallingExit,
};

/// The state of a cell, in the low bits of its word; above them stands the number of the task, so
/// that a word about an old task never passes for one about its successor.
enum class CellState : std::uint64_t {
  kFree,      // nothing was sent here yet
  kQueued,    // sent by the pool; either end may move it on, by compare-and-swap
  kTaken,     // by the worker: it will run, and cannot be cancelled any more
  kRevoked,   // by the pool: the worker skips it
  kSkipped,   // by the worker, which has passed it: the pool may use the cell again
  kAnswered,  // by the worker: the answer is here
  // Only for a task with a deadline, whose end is one compare-and-swap on kTaken:
  kDone,      // by the worker: it will answer
  kTimedOut,  // by the pool: the worker will be killed, and does not answer
};

constexpr std::uint64_t cell_word(std::uint64_t number, CellState state) noexcept {
  return number << 3 | static_cast<std::uint64_t>(state);
}

/// Of an answer, behind its size.
struct AnswerMarks {
  std::uint32_t outcome;  // a CallOutcome
  std::uint32_t check;    // kAnswerCheck: a worker whose memory went wild is found out early
};

/// A task on its way, and its answer on the way back: one cache line that goes there and back.
/// Number n uses cell n % kCells, so both ends know without asking which cell is next.
struct alignas(kCacheLine) TaskCell {
  static constexpr std::size_t kInlineBytes = 40;

  /// Stored after everything else in the cell, and with it: whoever sees kQueued sees the call,
  /// whoever sees kAnswered the answer, and that its sender does not touch it any more.
  std::atomic<std::uint64_t> word{0};
  /// Of the call's bytes, then of the answer's; with kInFile and kFileIsLent.
  std::uint64_t size = 0;
  union {
    std::uint64_t thunk = 0;  // of a call: address of the code that runs it
    AnswerMarks answer;
  };
  /// The bytes, if there are no more. Else they go through the ring; or, with kInFile, they are in
  /// the file whose PayloadName stands here, an answer in that of its call.
  std::byte bytes[kInlineBytes];

  static constexpr std::uint64_t kInFile = std::uint64_t{1} << 63;
  /// Of a call: the file may be used for the answer.
  static constexpr std::uint64_t kFileIsLent = std::uint64_t{1} << 62;
  static constexpr std::uint64_t kSizeMask = kFileIsLent - 1;
};
static_assert(sizeof(TaskCell) == kCacheLine);

constexpr std::uint32_t kAnswerCheck = 0x706d7273;

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
  // Set by the pool before the worker is born.
  std::uint64_t initializer = 0;  // the number of the task that is the initializer; 0: none is
  bool may_spin = false;          // before it falls asleep
  /// The number of the task with a deadline; there is one at most, with no other beside it. Set by
  /// the pool before it stores kQueued, which publishes it to the worker.
  std::atomic<std::uint64_t> timed_task{0};
  /// When that task began, in nanoseconds of the steady clock, which all processes share; 0: it has
  /// not. Cleared by the pool together with the above, set by the worker.
  std::atomic<std::int64_t> started_at{0};
  /// A line of its own: written several times a task, and read after a death.
  alignas(kCacheLine) std::atomic<Doing> doing{Doing::kStarting};

  RingControl tasks;    // written by the pool: calls that do not fit into their cells
  RingControl results;  // written by the worker: such answers
  TaskCell cells[kCells];
  TaskCell& cell(std::uint64_t number) noexcept { return cells[number % kCells]; }
};

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
