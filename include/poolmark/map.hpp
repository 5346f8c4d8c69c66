#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <ranges>
#include <type_traits>
#include <utility>

#include "poolmark/detail/map_chunks.hpp"
#include "poolmark/detail/map_job_stream.hpp"
#include "poolmark/detail/map_source.hpp"
#include "poolmark/detail/map_stream.hpp"
#include "poolmark/detail/unpacked.hpp"
#include "poolmark/executor.hpp"
#include "poolmark/map_result.hpp"
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
  /// workers cannot index; on an event loop always, which goes on between tasks alone.
  /// (CPython: 1.)
  std::optional<int> chunksize = std::nullopt;
  /// At most so many elements are read from the input and not yet yielded, so that an input may be
  /// endless; none: all are submitted at once, in the call of map(). At least 1. (CPython counts
  /// chunks here in a process pool, and is one over for a moment: cpython#131466.)
  std::optional<int> buffersize = std::nullopt;
};

namespace detail {

/// Throws std::invalid_argument unless chunksize and buffersize are at least 1.
void check(const MapOptions& options);

template <MapOrder kOrder, class Submitter, class F, class... Rs>
auto start_map(const MapOptions& options, Submitter submitter, F&& function, Rs&&... inputs) {
  static_assert(sizeof...(Rs) > 0, "poolmark: map needs at least one input range");
  check(options);
  const Deadline deadline = options.timeout.deadline();
  std::optional<ChunkPace> pace;
  if constexpr (!Submitter::kSharesMemory) pace.emplace(submitter.max_workers());
  const auto in_chunks = [&]<class R>(std::unique_ptr<ChunkSource<R>> source) {
    return MapResult<R>(std::make_unique<ChunkStream<R, kOrder>>(
        std::move(source), options.chunksize, options.buffersize, pace, deadline));
  };
  if constexpr (requires { Submitter::kHasMapSource; }) {
    // Its own affair, so that nobody else need know how values cross, or that a call may rest.
    return in_chunks(submitter.map_source(std::decay_t<F>(std::forward<F>(function)),
                                          std::views::all(std::forward<Rs>(inputs))...));
  } else if constexpr ((kIndexable<std::views::all_t<Rs>> && ...)) {
    auto call = make_indexed_call(std::decay_t<F>(std::forward<F>(function)),
                                  std::views::all(std::forward<Rs>(inputs))...);
    using R = typename decltype(call)::Result;
    if (options.buffersize) return in_chunks(slice_source(std::move(submitter), std::move(call)));
    return MapResult<R>(
        start_map_job(std::move(submitter), std::move(call), options.chunksize, kOrder, deadline));
  } else {
    return in_chunks(element_source(std::move(submitter),
                                    std::decay_t<F>(std::forward<F>(function)),
                                    std::views::all(std::forward<Rs>(inputs))...));
  }
}

template <class Submitter, class F, class Rows>
auto start_starmap(const MapOptions& options, Submitter submitter, F&& function, Rows&& rows) {
  static_assert(Unpackable<std::ranges::range_reference_t<Rows>, std::decay_t<F>>,
                "poolmark: starmap needs a range of tuples, pairs or arrays whose parts are the "
                "arguments of the function; map takes the arguments from a range each");
  return start_map<MapOrder::kOfInput>(options, std::move(submitter),
                                       Unpacked<std::decay_t<F>>{std::forward<F>(function)},
                                       std::forward<Rows>(rows));
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
  return detail::start_map<detail::MapOrder::kOfInput>(options, detail::submitter_of(executor),
                                                       std::forward<F>(function),
                                                       std::forward<Rs>(inputs)...);
}

template <Executor E, class F, std::ranges::input_range... Rs>
  requires(sizeof...(Rs) > 0)
auto map(E& executor, F&& function, Rs&&... inputs) {
  return poolmark::map(executor, MapOptions{}, std::forward<F>(function),
                       std::forward<Rs>(inputs)...);
}

/// map(), but the results come in the order in which they are done, so that a slow call holds back
/// nobody's but its own. Which result belongs to which element only the result can tell. Elements
/// that a worker took at once (MapOptions::chunksize) come together, in their order. A buffersize
/// is allowed, and bounds what has been read and not yielded as it does there. (CPython has none;
/// mpi4py's `unordered` is meant.)
template <Executor E, class F, std::ranges::input_range... Rs>
auto map_unordered(E& executor, const MapOptions& options, F&& function, Rs&&... inputs) {
  return detail::start_map<detail::MapOrder::kOfCompletion>(options, detail::submitter_of(executor),
                                                            std::forward<F>(function),
                                                            std::forward<Rs>(inputs)...);
}

template <Executor E, class F, std::ranges::input_range... Rs>
  requires(sizeof...(Rs) > 0)
auto map_unordered(E& executor, F&& function, Rs&&... inputs) {
  return poolmark::map_unordered(executor, MapOptions{}, std::forward<F>(function),
                                 std::forward<Rs>(inputs)...);
}

/// map() over arguments that stand together already: `function` is called with the parts of each
/// element of `rows`, a range of tuples, pairs or arrays. (Python's multiprocessing and mpi4py have
/// it, concurrent.futures has not.)
template <Executor E, class F, std::ranges::input_range Rows>
auto starmap(E& executor, const MapOptions& options, F&& function, Rows&& rows) {
  return detail::start_starmap(options, detail::submitter_of(executor), std::forward<F>(function),
                               std::forward<Rows>(rows));
}

template <Executor E, class F, std::ranges::input_range Rows>
auto starmap(E& executor, F&& function, Rows&& rows) {
  return poolmark::starmap(executor, MapOptions{}, std::forward<F>(function),
                           std::forward<Rows>(rows));
}

/// Gives an executor the members `map`, `map_unordered` and `starmap`: `pool.map(f, xs)`,
/// `pool.map({.chunksize = 16}, f, xs, ys)`.
template <class Derived>
class MapMember {
 public:
  template <class F, std::ranges::input_range... Rs>
  auto map(const MapOptions& options, F&& function, Rs&&... inputs) {
    return detail::start_map<detail::MapOrder::kOfInput>(
        options, self().submitter(), std::forward<F>(function), std::forward<Rs>(inputs)...);
  }

  template <class F, std::ranges::input_range... Rs>
    requires(sizeof...(Rs) > 0)
  auto map(F&& function, Rs&&... inputs) {
    return map(MapOptions{}, std::forward<F>(function), std::forward<Rs>(inputs)...);
  }

  template <class F, std::ranges::input_range... Rs>
  auto map_unordered(const MapOptions& options, F&& function, Rs&&... inputs) {
    return detail::start_map<detail::MapOrder::kOfCompletion>(
        options, self().submitter(), std::forward<F>(function), std::forward<Rs>(inputs)...);
  }

  template <class F, std::ranges::input_range... Rs>
    requires(sizeof...(Rs) > 0)
  auto map_unordered(F&& function, Rs&&... inputs) {
    return map_unordered(MapOptions{}, std::forward<F>(function), std::forward<Rs>(inputs)...);
  }

  template <class F, std::ranges::input_range Rows>
  auto starmap(const MapOptions& options, F&& function, Rows&& rows) {
    return detail::start_starmap(options, self().submitter(), std::forward<F>(function),
                                 std::forward<Rows>(rows));
  }

  template <class F, std::ranges::input_range Rows>
  auto starmap(F&& function, Rows&& rows) {
    return starmap(MapOptions{}, std::forward<F>(function), std::forward<Rows>(rows));
  }

 private:
  Derived& self() noexcept { return static_cast<Derived&>(*this); }
};

}  // namespace poolmark
