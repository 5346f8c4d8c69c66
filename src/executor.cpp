#include "poolmark/executor.hpp"

#include <fmt/core.h>

namespace poolmark::detail {

int checked_max_workers(const std::optional<int>& requested) {
  if (!requested) return usable_cpus();
  if (*requested < 1 || *requested > kMaxWorkersLimit) {
    throw std::invalid_argument(fmt::format(
        "max_workers is {}: it must be from 1 to {}; leave it out for one worker a usable CPU",
        *requested, kMaxWorkersLimit));
  }
  return *requested;
}

}  // namespace poolmark::detail
