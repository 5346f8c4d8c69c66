#pragma once

#include <algorithm>
#include <cstddef>
#include <deque>
#include <exception>
#include <memory>
#include <optional>
#include <utility>

#include "poolmark/detail/map_source.hpp"
#include "poolmark/detail/map_stream.hpp"
#include "poolmark/errors.hpp"

namespace poolmark::detail {

/// Blocks until a task that reads the caller's range has ended, even if that is never: the range
/// goes when this returns. DeadlockError in a forked child only, where no task reads it.
void await_reader(FutureState& chunk);

/// A map whose elements go to the executor in chunks, each a task of its own: to other processes,
/// from an input that only the caller's thread can read, or no more at a time than a buffer holds.
template <class R>
class ChunkStream final : public MapStream<R> {
 public:
  /// Begins to submit at once; throws what that throws.
  ChunkStream(std::unique_ptr<ChunkSource<R>> source, std::optional<int> chunksize,
              std::optional<int> buffersize, const Deadline& deadline);

  bool at_end() const noexcept override { return in_flight_.empty() && !refill_error_; }
  MapRun<R> take_run() override;
  void pass_run() override;
  void close() override;
  void await_readers() override;

 private:
  using Submitted = typename ChunkSource<R>::Submitted;

  void load_chunk();
  void refill();

  const std::unique_ptr<ChunkSource<R>> source_;
  const Deadline deadline_;
  const std::optional<std::size_t> buffersize_;
  std::size_t chunksize_;

  std::deque<Submitted> in_flight_;  // the front is the chunk that is being read
  std::deque<Submitted> abandoned_;  // of a closed map, still reading the caller's range
  Chunk<R> current_;                 // the front's outcomes, once they have been waited for
  std::size_t position_ = 0;         // in the front chunk
  Cell<R> cell_;                     // the value that the reader has
  std::size_t unyielded_ = 0;        // elements submitted and not passed by the reader
  std::size_t yielded_ = 0;
  bool input_ended_ = false;
  std::exception_ptr refill_error_;  // told behind the last element that was submitted
};

// ---- implementation
// --------------------------------------------------------------------------------

template <class R>
ChunkStream<R>::ChunkStream(std::unique_ptr<ChunkSource<R>> source, std::optional<int> chunksize,
                            std::optional<int> buffersize, const Deadline& deadline)
    : source_(std::move(source)),
      deadline_(deadline),
      buffersize_(buffersize),
      chunksize_(static_cast<std::size_t>(chunksize.value_or(1))) {
  if (buffersize_) chunksize_ = std::min(chunksize_, *buffersize_);
  refill();
  if (const std::exception_ptr refused = refill_error_) {
    close();
    await_readers();
    std::rethrow_exception(refused);
  }
}

template <class R>
void ChunkStream<R>::close() {
  for (Submitted& chunk : in_flight_) {
    if (chunk.future.cancel() || chunk.future.done() || !source_->reads_callers_range()) continue;
    abandoned_.push_back(std::move(chunk));
  }
  input_ended_ = true;
  refill_error_ = nullptr;
  in_flight_.clear();
  current_.clear();
  unyielded_ = 0;
}

template <class R>
void ChunkStream<R>::await_readers() {
  if (!source_->reads_callers_range()) return;
  for (Submitted& chunk : in_flight_) await_reader(*chunk.future.state());
  for (Submitted& chunk : abandoned_) await_reader(*chunk.future.state());
}

template <class R>
MapRun<R> ChunkStream<R>::take_run() {
  if (in_flight_.empty()) {
    return {.size = 1, .error = std::exchange(refill_error_, nullptr), .ends_map = true};
  }
  if (current_.empty()) load_chunk();
  Outcome<R>& outcome = current_[position_];
  if (!outcome.has_value()) return {.size = 1, .error = outcome.error()};
  ::new (cell_.bytes) Stored<R>(std::move(outcome.value()));
  return {.size = 1, .values = &cell_};
}

template <class R>
void ChunkStream<R>::load_chunk() {
  Submitted& front = in_flight_.front();
  if (!front.future.state()->wait_done(deadline_)) {
    const TimeoutError late(unyielded_, unyielded_ + yielded_);
    close();
    throw late;
  }
  try {
    current_ = std::move(front.future).take();
  } catch (...) {
    // The task as a whole failed (cancelled, its worker died): so did every element of it.
    while (current_.size() < front.size) {
      current_.push_back(Outcome<R>::of_error(std::current_exception()));
    }
  }
}

template <class R>
void ChunkStream<R>::pass_run() {
  if (in_flight_.empty()) return;  // that was the refusal
  // Nothing of a value is kept once the iteration has passed it.
  current_[position_] = Outcome<R>::of_error(nullptr);
  --unyielded_;
  ++yielded_;
  if (++position_ == current_.size()) {
    in_flight_.pop_front();
    current_.clear();
    position_ = 0;
  }
  refill();
}

template <class R>
void ChunkStream<R>::refill() {
  try {
    while (!input_ended_ && (!buffersize_ || unyielded_ + chunksize_ <= *buffersize_)) {
      auto chunk = source_->submit_next(chunksize_);
      if (!chunk) {
        input_ended_ = true;
        return;
      }
      unyielded_ += chunk->size;
      in_flight_.push_back(std::move(*chunk));
    }
  } catch (...) {
    input_ended_ = true;
    refill_error_ = std::current_exception();
  }
}

}  // namespace poolmark::detail
