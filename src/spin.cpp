#include "poolmark/detail/spin.hpp"

#include "poolmark/executor.hpp"

namespace poolmark::detail {

bool spinning_helps() noexcept {
  static const bool kSeveralCpus = [] {
    try {
      return usable_cpus() > 1;
    } catch (...) {
      return false;  // no memory to find out: sleep
    }
  }();
  return kSeveralCpus;
}

}  // namespace poolmark::detail
