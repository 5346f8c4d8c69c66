#pragma once

#include <cstddef>
#include <exception>
#include <iterator>
#include <memory>
#include <optional>
#include <ranges>
#include <type_traits>
#include <utility>

#include "poolmark/detail/map_chunks.hpp"
#include "poolmark/detail/map_job_stream.hpp"
#include "poolmark/detail/map_source.hpp"
#include "poolmark/detail/map_stream.hpp"
#include "poolmark/executor.hpp"
#include "poolmark/timeout.hpp"

/// Calling a function on every element of one or several inputs, in a pool, results in input order.
/// "Executor.map" of Python's concurrent.futures documentation is the source of the rules.
namespace poolmark {

struct MapOptions {
  /// Counts from the call of map(). A result that is not there in time makes its dereference throw
  /// TimeoutError, which ends the map and cancels what has not started.
  Timeout timeout = {};
  /// How many elements a worker takes at once: larger chunks cost less overhead and balance less
  /// well. At least 1.
  ///
  /// None: by time. One at a time to begin with, and more as long as elements take little: in a
  /// pool of threads less than 0.5 us each, up to 20 us of work at once; in a pool of processes
  /// less than 10 us each, up to 100 us. Calls that sleep until another one, or the reader, has
  /// done something take longer. Calls that wait for one another awake, or behind many that take no
  /// time: chunksize = 1. In a pool of threads it is 1 also with a buffersize and from inputs that
  /// workers cannot index. (CPython: 1.)
  std::optional<int> chunksize = std::nullopt;
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

  /// For executors: reads from a stream that has begun.
  explicit MapResult(std::unique_ptr<detail::MapStream<R>> stream) : stream_(std::move(stream)) {}
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
  bool is_between_runs() const noexcept { return value_ == values_end_ && failed_ == 0; }
  bool at_end() const noexcept { return is_between_runs() && stream_->at_end(); }

  value_type& fetch();
  value_type& fetch_next_run();
  void advance();
  void advance_to_next_run();
  void pass_value();
  void begin_run();
  void drop_run() noexcept;
  void leave() noexcept;

  std::unique_ptr<detail::MapStream<R>> stream_;
  // The run that is being read. Of values, in the stream's memory, those not yet passed.
  detail::Cell<R>* value_ = nullptr;
  detail::Cell<R>* values_end_ = nullptr;
  // Or of failed elements, so many still to be passed.
  std::size_t failed_ = 0;
  std::exception_ptr error_;
  bool ends_map_ = false;
  bool begun_ = false;
};

namespace detail {

/// Throws std::invalid_argument unless chunksize and buffersize are at least 1.
void check(const MapOptions& options);

template <class Submitter, class F, class... Rs>
auto start_map(const MapOptions& options, Submitter submitter, F&& function, Rs&&... inputs) {
  static_assert(sizeof...(Rs) > 0, "poolmark: map needs at least one input range");
  check(options);
  const Deadline deadline = options.timeout.deadline();
  std::optional<ChunkPace> pace;
  if constexpr (!Submitter::kSharesMemory) pace.emplace(submitter.max_workers());
  const auto in_chunks = [&]<class R>(std::unique_ptr<ChunkSource<R>> source) {
    return MapResult<R>(std::make_unique<ChunkStream<R>>(std::move(source), options.chunksize,
                                                         options.buffersize, pace, deadline));
  };
  if constexpr (Submitter::kSharesMemory && (kIndexable<std::views::all_t<Rs>> && ...)) {
    auto call = make_indexed_call(std::decay_t<F>(std::forward<F>(function)),
                                  std::views::all(std::forward<Rs>(inputs))...);
    using R = typename decltype(call)::Result;
    if (options.buffersize) return in_chunks(slice_source(std::move(submitter), std::move(call)));
    return MapResult<R>(
        start_map_job(std::move(submitter), std::move(call), options.chunksize, deadline));
  } else if constexpr (!Submitter::kSharesMemory) {
    // Its own affair, so that nobody else need know how values cross.
    return in_chunks(submitter.map_source(std::decay_t<F>(std::forward<F>(function)),
                                          std::views::all(std::forward<Rs>(inputs))...));
  } else {
    return in_chunks(element_source(std::move(submitter),
                                    std::decay_t<F>(std::forward<F>(function)),
                                    std::views::all(std::forward<Rs>(inputs))...));
  }
}

/// Submits to an executor that is no part of this library, and must outlive the map.
template <class E>
struct BorrowedExecutor {
  static constexpr bool kSharesMemory = true;

  template <class... Call>
  auto submit(Call&&... call) {
    return executor->submit(std::forward<Call>(call)...);
  }
  int max_workers() const { return executor->max_workers(); }

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
MapResult<R>& MapResult<R>::operator=(MapResult&& other) noexcept {
  if (this != &other) {
    std::destroy_at(this);
    std::construct_at(this, std::move(other));
  }
  return *this;
}

template <class R>
auto MapResult<R>::fetch() -> value_type& {
  return value_ != values_end_ ? value_->value() : fetch_next_run();
}

template <class R>
auto MapResult<R>::fetch_next_run() -> value_type& {
  if (at_end()) throw InvalidStateError("the map is at its end: there is no element to read");
  if (is_between_runs()) begin_run();
  if (value_ != values_end_) return value_->value();
  if (!ends_map_) std::rethrow_exception(error_);
  failed_ = 0;
  std::rethrow_exception(std::exchange(error_, nullptr));
}

template <class R>
void MapResult<R>::advance() {
  if (value_ != values_end_) {
    pass_value();
  } else {
    advance_to_next_run();
  }
}

template <class R>
void MapResult<R>::pass_value() {
  // Nothing of a value is kept once the iteration has passed it.
  std::destroy_at(&value_->value());
  if (++value_ == values_end_) stream_->pass_run();
}

template <class R>
void MapResult<R>::advance_to_next_run() {
  if (at_end()) return;
  // Not before the element is done: a buffer would hold one more than it may.
  if (is_between_runs()) begin_run();
  if (value_ != values_end_) return pass_value();
  if (--failed_ > 0) return;
  error_ = nullptr;
  stream_->pass_run();
}

template <class R>
void MapResult<R>::begin_run() {
  detail::MapRun<R> run = stream_->take_run();
  if (run.values != nullptr) {
    value_ = run.values;
    values_end_ = run.values + run.size;
  } else {
    failed_ = run.size;
    error_ = std::move(run.error);
    ends_map_ = run.ends_map;
  }
}

template <class R>
void MapResult<R>::drop_run() noexcept {
  for (; value_ != values_end_; ++value_) std::destroy_at(&value_->value());
  failed_ = 0;
  error_ = nullptr;
}

template <class R>
void MapResult<R>::close() {
  drop_run();
  stream_->close();
}

template <class R>
void MapResult<R>::leave() noexcept {
  if (!stream_) return;
  try {
    if (begun_) close();
    stream_->await_readers();
  } catch (const DeadlockError&) {
    // A forked child: the map lives on in the parent, here there is nothing to wait for.
  }
}

}  // namespace poolmark
