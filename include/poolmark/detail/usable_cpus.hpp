#pragma once

#include <string>

namespace poolmark::detail {

/// The CPUs that the control groups below `root` grant this process, infinity if they set no limit.
/// `root` stands for "/": below it are proc/self/cgroup and sys/fs/cgroup. Empty is the machine
/// itself.
double cpus_by_quota(const std::string& root);

/// What usable_cpus() makes of an affinity and a quota.
int usable_cpus_of(int by_affinity, double by_quota);

}  // namespace poolmark::detail
