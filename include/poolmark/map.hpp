#pragma once

#include <algorithm>
#include <cstddef>
#include <deque>
#include <iterator>
#include <memory>
#include <optional>
#include <ranges>
#include <type_traits>
#include <utility>

#include "poolmark/detail/map_source.hpp"
#include "poolmark/executor.hpp"
#include "poolmark/timeout.hpp"

/// Calling a function on every element of one or several inputs, in a pool, results in input order.
/// "Executor.map" of Python's concurrent.futures documentation is the source of the rules.
namespace poolmark {

struct MapOptions {
  /// Counts from the call of map(). A result that is not there in time makes its dereference throw
  /// TimeoutError, which ends the map and cancels what has not started.
  Timeout timeout = {};
  /// Elements a task: larger chunks cost less overhead and balance less well. At least 1.
  int chunksize = 1;
  /// At most so many elements are read from the input and not yet yielded, so that an input may be
  /// endless; none: all are submitted at once, in the call of map(). At least 1. (CPython counts
  /// chunks here in a process pool, and is one over for a moment: cpython#131466.)
  std::optional<int> buffersize = std::nullopt;
};

/// The results of a map: a single-pass, move-only range in input order, for one thread.
/// `for (auto value : pool.map(f, inputs))`
///
/// Dereferencing blocks until the element is done and yields the value as an rvalue (a function
/// that returns void yields std::monostate), or throws what the call threw. The iteration may go
/// on behind a failed element (as in CPython 3.16, cpython#108518). Moving on destroys the value.
///
/// A map that has been begun and is destroyed or closed before its end cancels what has not
/// started; one that nobody began lets everything run (cpython#136578 tells why one rule is
/// needed). Where the workers read a range of the caller's, the destructor, and it alone, blocks
/// until the last running call has ended.
template <class R>
class MapResult {
 public:
  using value_type = detail::Stored<R>;

  class iterator {
   public:
    using iterator_concept = std::input_iterator_tag;
    using value_type = detail::Stored<R>;
    using reference = value_type&&;
    using difference_type = std::ptrdiff_t;

    iterator() = default;
    explicit iterator(MapResult* map) : map_(map) {}

    value_type&& operator*() const { return std::move(map_->fetch()); }
    iterator& operator++() {
      map_->advance();
      return *this;
    }
    void operator++(int) { ++*this; }
    friend bool operator==(const iterator& it, std::default_sentinel_t) noexcept {
      return it.at_end();
    }

   private:
    bool at_end() const noexcept { return map_ == nullptr || map_->at_end(); }

    MapResult* map_ = nullptr;
  };

  /// For executors: begins to submit at once.
  MapResult(std::unique_ptr<detail::ChunkSource<R>> source, const MapOptions& options);
  MapResult(MapResult&&) noexcept = default;
  MapResult& operator=(MapResult&& other) noexcept;
  ~MapResult() { leave(); }

  iterator begin() {
    begun_ = true;
    return iterator(this);
  }
  std::default_sentinel_t end() const noexcept { return {}; }

  /// Cancels what has not started; the map is at its end then. Does not block.
  void close();

 private:
  using Submitted = typename detail::ChunkSource<R>::Submitted;

  value_type& fetch();
  void advance();
  bool at_end() const noexcept;
  void load_chunk();
  void refill();
  void await_readers();
  void leave() noexcept;

  std::unique_ptr<detail::ChunkSource<R>> source_;
  detail::Deadline deadline_;
  std::size_t chunksize_;
  std::optional<std::size_t> buffersize_;

  std::deque<Submitted> in_flight_;  // the front is the chunk that is being read
  std::deque<Submitted> abandoned_;  // of a closed map, still reading the caller's range
  detail::Chunk<R> current_;         // the front's outcomes, once they have been waited for
  std::size_t position_ = 0;         // in the front chunk
  std::size_t unyielded_ = 0;        // elements submitted and not passed by the iteration
  std::size_t yielded_ = 0;
  bool input_ended_ = false;
  bool begun_ = false;
  std::exception_ptr refill_error_;  // thrown behind the last element that was submitted
};

namespace detail {

/// Throws std::invalid_argument unless chunksize and buffersize are at least 1.
void check(const MapOptions& options);

/// Blocks until a task that reads the caller's range has ended, even if that is never: the range
/// goes when this returns. DeadlockError in a forked child only, where no task reads it.
void await_reader(FutureState& chunk);

template <class Submitter, class F, class... Rs>
auto start_map(const MapOptions& options, Submitter submitter, F&& function, Rs&&... inputs) {
  static_assert(sizeof...(Rs) > 0, "poolmark: map needs at least one input range");
  check(options);
  auto source = make_chunk_source(std::move(submitter), std::decay_t<F>(std::forward<F>(function)),
                                  std::forward<Rs>(inputs)...);
  using Source = typename decltype(source)::element_type;
  return [&]<class R>(std::type_identity<ChunkSource<R>>) {
    return MapResult<R>(std::move(source), options);
  }(std::type_identity<Source>());
}

/// Submits to an executor that is no part of this library, and must outlive the map.
template <class E>
struct BorrowedExecutor {
  static constexpr bool kSharesMemory = true;

  template <class... Call>
  auto submit(Call&&... call) {
    return executor->submit(std::forward<Call>(call)...);
  }

  E* executor;
};

template <class E>
auto submitter_of(E& executor) {
  if constexpr (requires { executor.submitter(); }) {
    return executor.submitter();
  } else {
    return BorrowedExecutor<E>{&executor};
  }
}

}  // namespace detail

/// Calls `function` on the elements of `inputs`, taken together up to the shortest, in `executor`,
/// and returns their results in order as a MapResult. Unless buffersize is given, everything is
/// submitted before the call returns, also if nobody iterates.
///
/// A pool of threads reads a random-access range in place: one given by name must stay unchanged
/// until the map is gone, one given as a temporary is moved into the map. Every other input is read
/// by the caller's thread only, and its elements are copied. std::invalid_argument for a chunksize
/// or buffersize below 1; ShutdownError after shutdown, also from a later element of a map with a
/// buffersize.
template <Executor E, class F, std::ranges::input_range... Rs>
auto map(E& executor, const MapOptions& options, F&& function, Rs&&... inputs) {
  return detail::start_map(options, detail::submitter_of(executor), std::forward<F>(function),
                           std::forward<Rs>(inputs)...);
}

template <Executor E, class F, std::ranges::input_range... Rs>
  requires(sizeof...(Rs) > 0)
auto map(E& executor, F&& function, Rs&&... inputs) {
  return detail::start_map(MapOptions{}, detail::submitter_of(executor), std::forward<F>(function),
                           std::forward<Rs>(inputs)...);
}

/// Gives an executor the member `map`: `pool.map(f, xs)`, `pool.map({.chunksize = 16}, f, xs, ys)`.
template <class Derived>
class MapMember {
 public:
  template <class F, std::ranges::input_range... Rs>
  auto map(const MapOptions& options, F&& function, Rs&&... inputs) {
    return detail::start_map(options, static_cast<Derived*>(this)->submitter(),
                             std::forward<F>(function), std::forward<Rs>(inputs)...);
  }

  template <class F, std::ranges::input_range... Rs>
    requires(sizeof...(Rs) > 0)
  auto map(F&& function, Rs&&... inputs) {
    return map(MapOptions{}, std::forward<F>(function), std::forward<Rs>(inputs)...);
  }
};

// ---- implementation
// --------------------------------------------------------------------------------

template <class R>
MapResult<R>::MapResult(std::unique_ptr<detail::ChunkSource<R>> source, const MapOptions& options)
    : source_(std::move(source)),
      deadline_(options.timeout.deadline()),
      chunksize_(static_cast<std::size_t>(options.chunksize)) {
  if (options.buffersize) {
    buffersize_ = static_cast<std::size_t>(*options.buffersize);
    chunksize_ = std::min(chunksize_, *buffersize_);
  }
  refill();
  if (const std::exception_ptr refused = refill_error_) {
    close();
    await_readers();
    std::rethrow_exception(refused);
  }
}

template <class R>
MapResult<R>& MapResult<R>::operator=(MapResult&& other) noexcept {
  if (this != &other) {
    std::destroy_at(this);
    std::construct_at(this, std::move(other));
  }
  return *this;
}

template <class R>
void MapResult<R>::close() {
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
void MapResult<R>::await_readers() {
  if (!source_->reads_callers_range()) return;
  for (Submitted& chunk : in_flight_) detail::await_reader(*chunk.future.state());
  for (Submitted& chunk : abandoned_) detail::await_reader(*chunk.future.state());
}

template <class R>
bool MapResult<R>::at_end() const noexcept {
  return in_flight_.empty() && !refill_error_;
}

template <class R>
auto MapResult<R>::fetch() -> value_type& {
  if (in_flight_.empty()) {
    if (refill_error_) std::rethrow_exception(std::exchange(refill_error_, nullptr));
    throw InvalidStateError("the map is at its end: there is no element to read");
  }
  if (current_.empty()) load_chunk();
  detail::Outcome<R>& outcome = current_[position_];
  if (!outcome.has_value()) std::rethrow_exception(outcome.error());
  return outcome.value();
}

template <class R>
void MapResult<R>::load_chunk() {
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
      current_.push_back(detail::Outcome<R>::of_error(std::current_exception()));
    }
  }
}

template <class R>
void MapResult<R>::advance() {
  if (in_flight_.empty()) {
    refill_error_ = nullptr;  // passed without being looked at, like any failed element
    return;
  }
  // Not before the element is done: the buffer would hold one more than it may.
  if (current_.empty()) load_chunk();
  // Nothing of a value is kept once the iteration has passed it.
  current_[position_] = detail::Outcome<R>::of_error(nullptr);
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
void MapResult<R>::refill() {
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

template <class R>
void MapResult<R>::leave() noexcept {
  if (!source_) return;
  try {
    if (begun_) close();
    await_readers();
  } catch (const DeadlockError&) {
    // A forked child: the map lives on in the parent, here there is nothing to wait for.
  }
}

}  // namespace poolmark
