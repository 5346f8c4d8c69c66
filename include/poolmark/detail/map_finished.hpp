#pragma once

#include <atomic>
#include <cstddef>
#include <limits>
#include <memory>
#include <utility>

namespace poolmark::detail {

/// Numbers below a given one, each put in once by any thread and taken out by one reader, in the
/// order in which they were put in. Allocates nothing after it was made.
class FinishedList {
 public:
  static constexpr std::size_t kNone = std::numeric_limits<std::size_t>::max();

  /// Throws std::bad_alloc.
  explicit FinishedList(std::size_t size)
      : neighbours_(std::make_unique_for_overwrite<std::size_t[]>(size)) {}

  void put(std::size_t number) noexcept {
    std::size_t newest = newest_.load(std::memory_order_relaxed);
    do {
      neighbours_[number] = newest;
    } while (!newest_.compare_exchange_weak(newest, number, std::memory_order_seq_cst,
                                            std::memory_order_relaxed));
  }

  /// The reader's: whether there is one to take.
  bool empty() const noexcept {
    return oldest_ == kNone && newest_.load(std::memory_order_seq_cst) == kNone;
  }
  /// The reader's: takes the one that was put in first; kNone if there is none.
  std::size_t take() noexcept {
    if (oldest_ == kNone) collect();
    if (oldest_ == kNone) return kNone;
    return std::exchange(oldest_, neighbours_[oldest_]);
  }

 private:
  /// Takes all that are in, and turns their chain round.
  void collect() noexcept {
    std::size_t next = newest_.exchange(kNone, std::memory_order_seq_cst);
    while (next != kNone) {
      const std::size_t older = std::exchange(neighbours_[next], oldest_);
      oldest_ = std::exchange(next, older);
    }
  }

  // Sequentially consistent, not only to hand over what was written before: of one who puts in and
  // then looks whether the reader sleeps, and a reader that says so and then looks here, one sees
  // the other.
  std::atomic<std::size_t> newest_{kNone};
  // For a number that is in, the one that came before it; for one that the reader has collected,
  // the one that came after it.
  const std::unique_ptr<std::size_t[]> neighbours_;
  std::size_t oldest_ = kNone;  // of those that the reader has collected
};

}  // namespace poolmark::detail
