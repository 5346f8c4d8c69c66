#include "process/cpu_mask.hpp"

#include <fmt/format.h>
#include <sched.h>

#include <iterator>

namespace poolmark::detail {

CpuMask CpuMask::of_this_thread() noexcept {
  CpuMask mask;
  sched_getaffinity(0, mask.bits_.size(), reinterpret_cast<cpu_set_t*>(mask.bits_.data()));
  return mask;
}

CpuMask CpuMask::of_one(int cpu) noexcept {
  CpuMask mask;
  CPU_SET_S(static_cast<unsigned>(cpu), mask.bits_.size(),
            reinterpret_cast<cpu_set_t*>(mask.bits_.data()));
  return mask;
}

bool CpuMask::holds(int cpu) const noexcept {
  return cpu >= 0 && cpu < kCpus &&
         CPU_ISSET_S(static_cast<unsigned>(cpu), bits_.size(),
                     reinterpret_cast<const cpu_set_t*>(bits_.data()));
}

std::string CpuMask::list() const {
  std::string text;
  for (int cpu = 0; cpu < kCpus; ++cpu) {
    if (holds(cpu)) fmt::format_to(std::back_inserter(text), "{}{}", text.empty() ? "" : ", ", cpu);
  }
  return text;
}

bool CpuMask::bind_this_thread() const noexcept {
  return sched_setaffinity(0, bits_.size(), reinterpret_cast<const cpu_set_t*>(bits_.data())) == 0;
}

}  // namespace poolmark::detail
