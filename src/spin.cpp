#include "poolmark/detail/spin.hpp"

#include "poolmark/executor.hpp"

namespace poolmark::detail {

bool spinning_helps() noexcept { return spinning_helps_beside(1); }

bool spinning_helps_beside(std::size_t others) noexcept {
  static const std::size_t kCpus = [] {
    try {
      return static_cast<std::size_t>(usable_cpus());
    } catch (...) {
      return std::size_t{1};  // no memory to find out: sleep
    }
  }();
  return others < kCpus;
}

}  // namespace poolmark::detail
