#include "harness/kept_batches.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "harness/recorder.hpp"

namespace poolmark::harness::detail {
namespace {

/// A quantile that less than ten of the times lie beyond is the tale of a few outliers.
struct Quantile {
  double part;
  std::size_t least_count;
};
constexpr Quantile kQuantiles[] = {{0.5, 20}, {0.9, 100}, {0.99, 1000}};

/// The smallest of the (sorted) times that at least `part` of them do not exceed.
double quantile(const std::vector<double>& sorted, double part) {
  const double rank = std::ceil(part * static_cast<double>(sorted.size()));
  return sorted[static_cast<std::size_t>(rank) - 1];
}

}  // namespace

void KeptBatches::add(BatchView batch) {
  for (const double latency : batch.latencies) longest_ = std::max(longest_, latency);
  if (offered_++ % step_ != 0) return;
  batches_.push_back(std::move(batch));
  if (batches_.size() <= kMost) return;
  for (std::size_t i = 0; 2 * i < batches_.size(); ++i) {
    if (i > 0) batches_[i] = std::move(batches_[2 * i]);
  }
  batches_.resize((batches_.size() + 1) / 2);
  step_ *= 2;
}

void KeptBatches::add(const KeptBatches& batches) {
  for (const BatchView& batch : batches.batches_) add(batch);
  longest_ = std::max(longest_, batches.longest_);
}

std::vector<double> KeptBatches::median_completions() const {
  std::vector<double> medians;
  const std::size_t marks = batches_.empty() ? 0 : batches_.front().completions.size();
  for (std::size_t j = 0; j < marks; ++j) {
    std::vector<double> times;
    for (const BatchView& batch : batches_) times.push_back(batch.completions.at(j));
    medians.push_back(median(std::move(times)));
  }
  return medians;
}

Latencies KeptBatches::latencies() const {
  std::vector<double> all;
  for (const BatchView& batch : batches_) {
    all.insert(all.end(), batch.latencies.begin(), batch.latencies.end());
  }
  std::ranges::sort(all);
  Latencies found;
  found.count = all.size();
  if (all.empty()) return found;
  for (const auto& [part, least_count] : kQuantiles) {
    if (all.size() < least_count) continue;
    found.quantiles.push_back(part);
    found.ns.push_back(quantile(all, part));
  }
  found.quantiles.push_back(1);
  found.ns.push_back(longest_);
  if (all.size() <= Latencies::kMostOfEach) found.each = std::move(all);
  return found;
}

}  // namespace poolmark::harness::detail
