#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <exception>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "poolmark/detail/map_chunk_pace.hpp"
#include "poolmark/detail/map_in_flight.hpp"
#include "poolmark/detail/map_source.hpp"
#include "poolmark/detail/map_stream.hpp"
#include "poolmark/errors.hpp"

namespace poolmark::detail {

/// Blocks until a task that reads the caller's range has ended, even if that is never: the range
/// goes when this returns. DeadlockError in a forked child only, where no task reads it.
void await_reader(FutureState& chunk);

/// A map whose elements go to the executor in chunks, each a task of its own: to other processes,
/// from an input that only the caller's thread can read, or no more at a time than a buffer holds.
template <class R, MapOrder kOrder>
class ChunkStream final : public MapStream<R> {
 public:
  /// Begins to submit at once; throws what that throws. Without a pace, chunks have one element
  /// where no size is given.
  ChunkStream(std::unique_ptr<ChunkSource<R>> source, std::optional<int> chunksize,
              std::optional<int> buffersize, std::optional<ChunkPace> pace,
              const Deadline& deadline);

  bool at_end() const noexcept override { return in_flight_.empty() && !refill_error_; }
  MapRun<R> take_run() override;
  void pass_run() override;
  void close() override;
  void await_readers() override;

 private:
  using Submitted = typename ChunkSource<R>::Submitted;

  void load_chunk();
  void refill();
  std::size_t next_size();
  void learn_from_answers();
  void await_first_answers();

  // So long, in all, a map waits for its first answers before it goes on to submit small chunks:
  // two wakes of sleeping workers, and far less than what those chunks would cost.
  static constexpr std::chrono::microseconds kPatience{100};

  const std::unique_ptr<ChunkSource<R>> source_;
  const Deadline deadline_;
  const std::optional<std::size_t> buffersize_;
  std::optional<std::size_t> chunksize_;
  std::optional<ChunkPace> pace_;

  InFlight<R, kOrder> in_flight_;     // the next one is being read
  std::vector<Submitted> abandoned_;  // of a closed map, still reading the caller's range
  Batch<R> current_;                  // the next one's outcomes, once they have been waited for
  std::chrono::nanoseconds patience_ = kPatience;  // what is left of it
  std::size_t run_ = 0;        // elements that the reader has, and not passed yet
  std::size_t unyielded_ = 0;  // elements submitted and not passed by the reader
  std::size_t yielded_ = 0;
  bool input_ended_ = false;
  std::exception_ptr refill_error_;  // told behind the last element that was submitted
};

// ---- implementation
// --------------------------------------------------------------------------------

template <class R, MapOrder kOrder>
ChunkStream<R, kOrder>::ChunkStream(std::unique_ptr<ChunkSource<R>> source,
                                    std::optional<int> chunksize, std::optional<int> buffersize,
                                    std::optional<ChunkPace> pace, const Deadline& deadline)
    : source_(std::move(source)),
      deadline_(deadline),
      buffersize_(buffersize),
      chunksize_(chunksize),
      pace_(pace) {
  if (!chunksize_ && !pace_) chunksize_ = 1;
  if (chunksize_ && buffersize_) chunksize_ = std::min(*chunksize_, *buffersize_);
  refill();
  if (const std::exception_ptr refused = refill_error_) {
    close();
    await_readers();
    std::rethrow_exception(refused);
  }
}

template <class R, MapOrder kOrder>
void ChunkStream<R, kOrder>::close() {
  in_flight_.for_each([&](Submitted& chunk) {
    if (chunk.future.cancel() || chunk.future.done() || !source_->reads_callers_range()) return;
    abandoned_.push_back(std::move(chunk));
  });
  input_ended_ = true;
  refill_error_ = nullptr;
  in_flight_.clear();
  current_ = {};
  unyielded_ = 0;
}

template <class R, MapOrder kOrder>
void ChunkStream<R, kOrder>::await_readers() {
  if (!source_->reads_callers_range()) return;
  in_flight_.for_each([](Submitted& chunk) { await_reader(*chunk.future.state()); });
  for (Submitted& chunk : abandoned_) await_reader(*chunk.future.state());
}

template <class R, MapOrder kOrder>
MapRun<R> ChunkStream<R, kOrder>::take_run() {
  if (in_flight_.empty()) {
    return {.size = 1, .error = std::exchange(refill_error_, nullptr), .ends_map = true};
  }
  if (current_.all_taken()) load_chunk();
  MapRun<R> run = current_.take_run();
  run_ = run.size;
  return run;
}

template <class R, MapOrder kOrder>
void ChunkStream<R, kOrder>::load_chunk() {
  if (!in_flight_.await_next(deadline_)) {
    const TimeoutError late(unyielded_, unyielded_ + yielded_);
    close();
    throw late;
  }
  learn_from_answers();  // before the answer is taken out
  Submitted& next = in_flight_.next();
  try {
    current_ = std::move(next.future).take();
    if (current_.size() != next.size) {
      throw Error("the answer of a map's task is for another number of elements than it was given");
    }
  } catch (...) {
    // The task as a whole failed (cancelled, its worker died): so did every element of it.
    current_ = Batch<R>::all_failed(next.size, std::current_exception());
  }
}

template <class R, MapOrder kOrder>
void ChunkStream<R, kOrder>::pass_run() {
  if (in_flight_.empty()) return;  // that was the refusal
  unyielded_ -= run_;
  yielded_ += run_;
  if (current_.all_taken()) in_flight_.pop_next();
  refill();
}

template <class R, MapOrder kOrder>
void ChunkStream<R, kOrder>::refill() {
  try {
    while (!input_ended_) {
      const std::size_t size = next_size();
      if (buffersize_ && unyielded_ + size > *buffersize_) return;
      auto chunk = source_->submit_next(size);
      if (!chunk) {
        input_ended_ = true;
        return;
      }
      unyielded_ += chunk->size;
      in_flight_.push(std::move(*chunk));
    }
  } catch (...) {
    input_ended_ = true;
    refill_error_ = std::current_exception();
  }
}

template <class R, MapOrder kOrder>
std::size_t ChunkStream<R, kOrder>::next_size() {
  if (chunksize_) return *chunksize_;
  source_->collect_answers();
  learn_from_answers();
  if (!buffersize_) await_first_answers();
  const std::size_t size = pace_->next_size(source_->left());
  if (!buffersize_) return size;
  // While the reader passes one chunk, others must be under way.
  constexpr std::size_t kLeastChunks = 4;
  return std::clamp(*buffersize_ / kLeastChunks, std::size_t{1}, size);
}

template <class R, MapOrder kOrder>
void ChunkStream<R, kOrder>::learn_from_answers() {
  if (!pace_) return;
  in_flight_.see_done([&](const Submitted& chunk) {
    if (chunk.future.state()->phase() != Phase::kValue) return;
    pace_->learn(chunk.size, chunk.future.result().run_time());
  });
}

template <class R, MapOrder kOrder>
void ChunkStream<R, kOrder>::await_first_answers() {
  using Clock = std::chrono::steady_clock;
  while (patience_.count() > 0 && pace_->is_groping(in_flight_.unseen(), source_->left())) {
    const auto before = Clock::now();
    const auto until = before + patience_;
    const bool has_told = in_flight_.await_unseen(deadline_ ? std::min(until, *deadline_) : until);
    patience_ = has_told ? patience_ - (Clock::now() - before) : std::chrono::nanoseconds(0);
    learn_from_answers();
  }
}

}  // namespace poolmark::detail
