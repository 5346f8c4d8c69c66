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

#include "poolmark/executor.hpp"

// The control groups of this process are listed in /proc/self/cgroup, one line a hierarchy:
// "0::/path" for v2, "7:cpu,cpuacct:/path" for v1. A quota may sit in the group itself or in any
// group above it. Inside a container the listed path may not exist below the mount point; then the
// mount point itself is the container's group, and it is on the way up, so it is read last.
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

/// The least quota of `group` and of all above it in the hierarchy mounted at `mount`; infinity if
/// there is none.
template <class ReadQuota>
double least_quota_upwards(const std::string& mount, std::string group, ReadQuota read_quota) {
  double least = std::numeric_limits<double>::infinity();
  for (;;) {
    if (group == "/") group.clear();
    if (const auto quota = read_quota(mount + group)) least = std::min(least, *quota);
    if (group.empty()) return least;
    group.erase(group.rfind('/'));
  }
}

bool names_cpu_controller(const std::string& controllers) {
  return ("," + controllers + ",").find(",cpu,") != std::string::npos;
}

}  // namespace

double cpus_by_quota(const std::string& root) {
  double least = std::numeric_limits<double>::infinity();
  const std::string mount = root + "/sys/fs/cgroup";
  std::ifstream groups(root + "/proc/self/cgroup");
  for (std::string line; std::getline(groups, line);) {
    const auto first = line.find(':');
    const auto second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    const std::string group = line.substr(second + 1);
    if (group.empty() || group.front() != '/') continue;
    if (controllers.empty()) least = std::min(least, least_quota_upwards(mount, group, quota_v2));
    if (names_cpu_controller(controllers)) {
      least = std::min(least, least_quota_upwards(mount + "/cpu", group, quota_v1));
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
