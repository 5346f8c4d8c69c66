#include "poolmark/detail/usable_cpus.hpp"

#include <sched.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <limits>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <thread>

#include "control_groups.hpp"
#include "poolmark/executor.hpp"

// A quota may sit in the control group of this process or in any group above it. Inside a container
// the mount point is the container's group, and the last on the way up.
namespace poolmark {
namespace detail {
namespace {

int cpus_by_affinity() {
  // The kernel refuses a mask smaller than its own, so grow until it fits.
  for (int cpus = 1024; cpus <= 1 << 20; cpus *= 2) {
    const std::size_t size = CPU_ALLOC_SIZE(cpus);
    const std::unique_ptr<cpu_set_t, void (*)(cpu_set_t*)> mask(
        CPU_ALLOC(static_cast<std::size_t>(cpus)), [](cpu_set_t* set) { CPU_FREE(set); });
    if (mask && sched_getaffinity(0, size, mask.get()) == 0) return CPU_COUNT_S(size, mask.get());
  }
  return static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
}

std::optional<std::string> first_line_of(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  if (!std::getline(file, line)) return std::nullopt;
  return line;
}

/// CPUs granted by "max 100000" or "150000 100000".
std::optional<double> quota_v2(const std::string& group_directory) {
  const auto line = first_line_of(group_directory + "/cpu.max");
  if (!line) return std::nullopt;
  std::istringstream words(*line);
  double quota = 0;
  double period = 0;
  if (!(words >> quota >> period) || quota <= 0 || period <= 0) return std::nullopt;
  return quota / period;
}

std::optional<double> quota_v1(const std::string& group_directory) {
  const auto quota = first_line_of(group_directory + "/cpu.cfs_quota_us");
  const auto period = first_line_of(group_directory + "/cpu.cfs_period_us");
  if (!quota || !period) return std::nullopt;
  const double granted = std::atof(quota->c_str());
  const double every = std::atof(period->c_str());
  if (granted <= 0 || every <= 0) return std::nullopt;
  return granted / every;
}

}  // namespace

double cpus_by_quota(const std::string& root) {
  double least = std::numeric_limits<double>::infinity();
  for (const ControlGroup& group : control_groups_of("cpu", root)) {
    // The tightest limit on the way up is the one that holds.
    for (const std::string& directory : group.directories()) {
      const auto quota = group.is_v2 ? quota_v2(directory) : quota_v1(directory);
      if (quota) least = std::min(least, *quota);
    }
  }
  return least;
}

int usable_cpus_of(int by_affinity, double by_quota) {
  if (std::ceil(by_quota) >= by_affinity) return std::max(1, by_affinity);
  return std::max(1, static_cast<int>(std::ceil(by_quota)));
}

}  // namespace detail

int usable_cpus() {
  return detail::usable_cpus_of(detail::cpus_by_affinity(), detail::cpus_by_quota({}));
}

}  // namespace poolmark
