#include "granularity/kernel.hpp"

#include "granularity/recurrence.hpp"

namespace bench {

int burn(int seed, std::uint32_t steps) {
  auto x = static_cast<std::uint32_t>(seed);
  for (std::uint32_t i = 0; i < steps; ++i) x = kStep(x);
  return static_cast<int>(x);
}

}  // namespace bench
