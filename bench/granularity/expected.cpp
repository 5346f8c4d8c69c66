#include "granularity/kernel.hpp"
#include "granularity/recurrence.hpp"

namespace bench {
std::uint32_t sum_of_burns(std::uint32_t n, std::uint32_t steps) {
  const Recurrence all = all_steps(steps);
  const std::uint64_t sum_of_seeds = n == 0 ? 0 : std::uint64_t{n} * (n - 1) / 2;
  return all.factor * static_cast<std::uint32_t>(sum_of_seeds) + n * all.summand;
}

}  // namespace bench
