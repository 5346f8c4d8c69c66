#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <deque>
#include <exception>
#include <memory>
#include <optional>
#include <utility>

#include "poolmark/detail/map_chunk_pace.hpp"
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

  std::deque<Submitted> in_flight_;  // the front is the chunk that is being read
  std::deque<Submitted> abandoned_;  // of a closed map, still reading the caller's range
  Batch<R> current_;                 // the front's outcomes, once they have been waited for
  std::size_t learned_ = 0;          // chunks from the front on that the pace knows
  std::chrono::nanoseconds patience_ = kPatience;  // what is left of it
  std::size_t run_ = 0;        // elements that the reader has, and not passed yet
  std::size_t unyielded_ = 0;  // elements submitted and not passed by the reader
  std::size_t yielded_ = 0;
  bool input_ended_ = false;
  std::exception_ptr refill_error_;  // told behind the last element that was submitted
};

// ---- implementation
// --------------------------------------------------------------------------------

template <class R>
ChunkStream<R>::ChunkStream(std::unique_ptr<ChunkSource<R>> source, std::optional<int> chunksize,
                            std::optional<int> buffersize, std::optional<ChunkPace> pace,
                            const Deadline& deadline)
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

template <class R>
void ChunkStream<R>::close() {
  for (Submitted& chunk : in_flight_) {
    if (chunk.future.cancel() || chunk.future.done() || !source_->reads_callers_range()) continue;
    abandoned_.push_back(std::move(chunk));
  }
  input_ended_ = true;
  refill_error_ = nullptr;
  in_flight_.clear();
  current_ = {};
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
  if (current_.all_taken()) load_chunk();
  MapRun<R> run = current_.take_run();
  run_ = run.size;
  return run;
}

template <class R>
void ChunkStream<R>::load_chunk() {
  Submitted& front = in_flight_.front();
  if (!front.future.state()->wait_done(deadline_)) {
    const TimeoutError late(unyielded_, unyielded_ + yielded_);
    close();
    throw late;
  }
  if (learned_ == 0) learn_from_answers();  // before the answer is taken out
  try {
    current_ = std::move(front.future).take();
    if (current_.size() != front.size) {
      throw Error("the answer of a map's task is for another number of elements than it was given");
    }
  } catch (...) {
    // The task as a whole failed (cancelled, its worker died): so did every element of it.
    current_ = Batch<R>::all_failed(front.size, std::current_exception());
  }
}

template <class R>
void ChunkStream<R>::pass_run() {
  if (in_flight_.empty()) return;  // that was the refusal
  unyielded_ -= run_;
  yielded_ += run_;
  if (current_.all_taken()) {
    in_flight_.pop_front();
    if (learned_ > 0) --learned_;
  }
  refill();
}

template <class R>
void ChunkStream<R>::refill() {
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
      in_flight_.push_back(std::move(*chunk));
    }
  } catch (...) {
    input_ended_ = true;
    refill_error_ = std::current_exception();
  }
}

template <class R>
std::size_t ChunkStream<R>::next_size() {
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

template <class R>
void ChunkStream<R>::learn_from_answers() {
  if (!pace_) return;
  for (; learned_ < in_flight_.size(); ++learned_) {
    const Submitted& chunk = in_flight_[learned_];
    const Phase phase = chunk.future.state()->phase();
    if (!is_done(phase)) return;
    if (phase == Phase::kValue) pace_->learn(chunk.size, chunk.future.result().run_time());
  }
}

template <class R>
void ChunkStream<R>::await_first_answers() {
  using Clock = std::chrono::steady_clock;
  while (pace_->is_groping(in_flight_.size() - learned_, source_->left())) {
    const auto before = Clock::now();
    const auto until = before + patience_;
    FutureState& oldest = *in_flight_[learned_].future.state();
    if (!oldest.wait_done(deadline_ ? std::min(until, *deadline_) : until)) patience_ = {};
    patience_ = std::max(patience_ - (Clock::now() - before), std::chrono::nanoseconds(0));
    if (patience_.count() == 0) return;
    learn_from_answers();
  }
}

}  // namespace poolmark::detail
