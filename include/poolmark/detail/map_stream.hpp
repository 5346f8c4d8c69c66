#pragma once

#include <algorithm>
#include <cstddef>
#include <exception>
#include <memory>
#include <new>

#include "poolmark/detail/futex.hpp"
#include "poolmark/detail/typed_state.hpp"

// What a MapResult reads from. One stream is a job that all workers share (map_job.hpp), the other
// one cuts its input into tasks (map_chunks.hpp).
namespace poolmark::detail {

/// In which order a map yields its results.
enum class MapOrder {
  kOfInput,
  kOfCompletion,
};

/// Room for what one call leaves: its value, or the exception that it threw. Who uses it knows
/// which of them is there, if any.
template <class R>
struct Cell {
  Stored<R>& value() noexcept { return *std::launder(reinterpret_cast<Stored<R>*>(bytes)); }
  std::exception_ptr& error() noexcept {
    return *std::launder(reinterpret_cast<std::exception_ptr*>(bytes));
  }

  static constexpr std::size_t kBytes = std::max(sizeof(Stored<R>), sizeof(std::exception_ptr));
  alignas(Stored<R>) alignas(std::exception_ptr) std::byte bytes[kBytes];
};

/// Some neighbouring elements that are done: all have values, or all failed with the same error.
template <class R>
struct MapRun {
  std::size_t size = 0;
  Cell<R>* values = nullptr;           // the reader destroys each value
  std::exception_ptr error = nullptr;  // if there are no values
  bool ends_map = false;               // no failed element, but a refusal to go on: it is told once
};

/// The elements of a map, each once, a run at a time, for one thread.
template <class R>
class MapStream {
 public:
  MapStream() = default;
  MapStream(const MapStream&) = delete;
  MapStream& operator=(const MapStream&) = delete;
  virtual ~MapStream() = default;

  /// Whether all runs have been taken. Does not block.
  virtual bool at_end() const noexcept = 0;

  /// Blocks until the next elements are done. TimeoutError when the map's time is over; it is
  /// closed then. Not at the end, and not before the last run has been passed.
  virtual MapRun<R> take_run() = 0;

  /// The reader has passed all elements of the run that it took last.
  virtual void pass_run() = 0;

  /// Cancels what has not started; the stream is at its end then. Does not block.
  virtual void close() = 0;

  /// Blocks until no call reads a range of the caller's any more, if one does. DeadlockError in a
  /// forked child.
  virtual void await_readers() = 0;
};

}  // namespace poolmark::detail
