#pragma once

#include <cstddef>
#include <vector>

#include "poolmark/harness/detail/batch_times.hpp"

namespace poolmark::harness::detail {

/// How long callers waited for results.
struct Latencies {
  std::size_t count = 0;          // of the times that the quantiles are taken from
  std::vector<double> quantiles;  // 0.5, 0.9, 0.99 if `count` says something about them, and 1
  std::vector<double> ns;
  std::vector<double> each;  // all of them, the shortest first; empty of more than kMostOfEach

  /// Of more, a process knows every quantile itself, and nobody has to pool its times with those of
  /// other processes to learn it.
  static constexpr std::size_t kMostOfEach = 1000;
};

/// What the caller saw of the batches of a cell. Of more than kMost it keeps every second, fourth,
/// ... one: a batch of microseconds that runs for a second must not fill the memory, and a median
/// does not get better by it.
class KeptBatches {
 public:
  static constexpr std::size_t kMost = 1000;

  void add(BatchView batch);
  void add(const KeptBatches& batches);

  std::size_t size() const noexcept { return batches_.size(); }
  /// Median time until so many results were held, at each of the marks; empty without a batch.
  std::vector<double> median_completions() const;
  Latencies latencies() const;

 private:
  std::vector<BatchView> batches_;
  std::size_t offered_ = 0;
  std::size_t step_ = 1;  // one of so many is kept
  double longest_ = 0;    // latency, of all batches
};

}  // namespace poolmark::harness::detail
