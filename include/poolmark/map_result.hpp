#pragma once

#include <cstddef>
#include <exception>
#include <iterator>
#include <memory>
#include <utility>

#include "poolmark/detail/map_stream.hpp"
#include "poolmark/errors.hpp"

namespace poolmark {

/// The results of a map: a single-pass, move-only range, for one thread. In the order of the input,
/// or in that of completion if it was begun by map_unordered().
/// `for (auto value : pool.map(f, inputs))`
///
/// Dereferencing blocks until the element is done and yields the value as an rvalue (a function
/// that returns void yields std::monostate), or throws what the call threw. The iteration may go
/// on behind a failed element (as in CPython 3.16, cpython#108518). Moving on destroys the value.
/// Elements that are done in quick succession are let gather while all cores compute: a value may
/// be up to half a millisecond late, never more than a quarter of the time that it took so far.
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
