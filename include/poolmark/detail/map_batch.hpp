#pragma once

#include <chrono>
#include <cstddef>
#include <exception>
#include <memory>
#include <utility>
#include <vector>

#include "poolmark/detail/map_stream.hpp"

namespace poolmark {

template <class T>
struct Wire;

namespace detail {

/// What some consecutive elements of a map have left: values in a row, and errors between them. The
/// answer of one task, read a run at a time.
template <class R>
class Batch {
  static_assert(!std::is_reference_v<R>,
                "poolmark: a mapped function may not return a reference, which could dangle in the "
                "caller's hands: return a value, a pointer or a std::reference_wrapper");

 public:
  using Value = Stored<R>;

  Batch() = default;
  Batch(Batch&& other) noexcept
      : cells_(std::move(other.cells_)),
        size_(std::exchange(other.size_, 0)),
        values_(std::exchange(other.values_, 0)),
        errors_(std::move(other.errors_)),
        run_time_(other.run_time_),
        next_(std::exchange(other.next_, 0)),
        next_value_(std::exchange(other.next_value_, 0)),
        next_error_(std::exchange(other.next_error_, 0)) {}
  Batch& operator=(Batch&& other) noexcept {
    if (this != &other) {
      std::destroy_at(this);
      std::construct_at(this, std::move(other));
    }
    return *this;
  }
  ~Batch() {
    for (; next_value_ < values_; ++next_value_) std::destroy_at(&cells_[next_value_].value());
  }

  /// Calls `call` with each number from `first` on and keeps what comes of it.
  template <class Call>
  static Batch of(std::size_t first, std::size_t count, Call&& call) {
    const auto begun = std::chrono::steady_clock::now();
    Batch batch(count);
    std::size_t i = first;
    while (i != first + count) {
      try {
        for (; i != first + count; ++i) batch.keep_result_of(call, i);
      } catch (...) {
        std::exception_ptr error = std::current_exception();
        if (!error) throw;  // the end of the thread, no exception of C++: see CallTask::run()
        batch.add_errors(1, std::move(error));
        ++i;
      }
    }
    batch.run_time_ = std::chrono::steady_clock::now() - begun;
    return batch;
  }

  /// So many elements that all failed for one reason: their task did.
  static Batch all_failed(std::size_t count, std::exception_ptr error) {
    Batch batch;
    batch.add_errors(count, std::move(error));
    return batch;
  }

  /// Room for so many values, which are added one by one.
  explicit Batch(std::size_t most_values)
      : cells_(std::make_unique_for_overwrite<Cell<R>[]>(most_values)) {}
  void add_value(Value&& value) {
    ::new (cells_[values_].bytes) Value(std::move(value));
    ++values_;
    ++size_;
  }
  void add_error(std::exception_ptr error) { add_errors(1, std::move(error)); }

  std::size_t size() const noexcept { return size_; }
  /// How long the calls took, all together.
  std::chrono::nanoseconds run_time() const noexcept { return run_time_; }

  bool all_taken() const noexcept { return next_ == size_; }
  /// The next elements, up to the next border between values and errors. The values are the
  /// caller's to destroy, their memory stays this object's. Not when all have been taken.
  MapRun<R> take_run() {
    if (next_error_ < errors_.size() && errors_[next_error_].first == next_) {
      Errors& failed = errors_[next_error_++];
      next_ += failed.count;
      return {.size = failed.count, .error = std::move(failed.error)};
    }
    const std::size_t end = next_error_ < errors_.size() ? errors_[next_error_].first : size_;
    const std::size_t count = end - next_;
    Cell<R>* values = &cells_[next_value_];
    next_ = end;
    next_value_ += count;
    return {.size = count, .values = values};
  }

 private:
  friend struct Wire<Batch<R>>;

  struct Errors {
    std::size_t first;
    std::size_t count;
    std::exception_ptr error;
  };

  template <class Call>
  void keep_result_of(Call& call, std::size_t i) {
    if constexpr (std::is_void_v<R>) {
      call(i);
      ::new (cells_[values_].bytes) Value();
    } else {
      ::new (cells_[values_].bytes) Value(call(i));
    }
    ++values_;
    ++size_;
  }

  void add_errors(std::size_t count, std::exception_ptr error) {
    errors_.push_back({size_, count, std::move(error)});
    size_ += count;
  }

  std::unique_ptr<Cell<R>[]> cells_;  // the values, without gaps for the errors
  std::size_t size_ = 0;              // values and errors
  std::size_t values_ = 0;
  std::vector<Errors> errors_;  // in order
  std::chrono::nanoseconds run_time_{0};
  // How far the reader is.
  std::size_t next_ = 0;
  std::size_t next_value_ = 0;
  std::size_t next_error_ = 0;
};

}  // namespace detail
}  // namespace poolmark
