#include <cstddef>
#include <vector>

#include "workloads/workloads.hpp"

namespace bench {
namespace {

constexpr std::int64_t kMillisecond = 1'000'000;
constexpr std::int64_t kLongNap = 100 * kMillisecond;
constexpr std::int64_t kShortNap = 4 * kMillisecond;
// Together a little less than the long one: with two workers the batch takes as long as that.
constexpr std::size_t kShortNaps = 24;

}  // namespace

poolmark::harness::Workload<std::int64_t, std::int64_t> skewed() {
  std::vector<std::int64_t> naps(1 + kShortNaps, kShortNap);
  naps.front() = kLongNap;
  // One worker shows nothing, and more than four nothing new; each would make the run longer.
  return {.name = "skewed",
          .inputs = naps,
          .task = nap,
          .check = slept_long_enough("skewed"),
          .workers = {2, 4}};
}

}  // namespace bench
