#include "process/pool_options.hpp"

#include <fmt/core.h>

#include <unistd.h>

#include <random>
#include <stdexcept>

#include "process/cpu_mask.hpp"

namespace poolmark::detail {
namespace {

void require_at_least(int value, int least, const char* name) {
  if (value >= least) return;
  throw std::invalid_argument(fmt::format(
      "{} is {}: it must be at least {}; leave it out for the default", name, value, least));
}

void require_usable(const std::vector<int>& cpus) {
  if (cpus.empty()) return;
  const CpuMask usable = CpuMask::of_this_thread();
  for (const int cpu : cpus) {
    if (usable.holds(cpu)) continue;
    throw std::invalid_argument(
        fmt::format("cpu_affinity names CPU {}, which this process may not use; it may use {}", cpu,
                    usable.list()));
  }
}

}  // namespace

const ProcessPoolOptions& checked(const ProcessPoolOptions& options) {
  if (options.max_tasks_per_child) {
    require_at_least(*options.max_tasks_per_child, 1, "max_tasks_per_child");
  }
  require_at_least(options.retries_after_worker_death, 0, "retries_after_worker_death");
  require_at_least(options.max_tasks_jitter, 0, "max_tasks_jitter");
  if (options.max_tasks_jitter != 0 &&
      options.max_tasks_jitter >= options.max_tasks_per_child.value_or(0)) {
    throw std::invalid_argument(
        fmt::format("max_tasks_jitter is {}: it must be less than max_tasks_per_child, so that "
                    "every worker runs a task",
                    options.max_tasks_jitter));
  }
  if (options.memory_limit == std::size_t{0}) {
    throw std::invalid_argument("memory_limit is 0: leave it out for no limit");
  }
  require_usable(options.cpu_affinity);
  return options;
}

PoolPlan plan_for(const ProcessPoolOptions& options, std::size_t ring_bytes) {
  PoolPlan plan;
  const std::string name =
      options.process_name_prefix.empty() ? "poolmark-worker" : options.process_name_prefix;
  name.copy(plan.name_prefix, sizeof plan.name_prefix - 1);
  plan.ring_bytes = ring_bytes;
  plan.main_process = getpid();
  plan.memory_limit = options.memory_limit.value_or(0);
  return plan;
}

std::optional<int> draw_quota(const ProcessPoolOptions& options) {
  if (!options.max_tasks_per_child || options.max_tasks_jitter == 0) {
    return options.max_tasks_per_child;
  }
  try {
    // One draw a worker: the device is fast enough, and pools of forked programs differ.
    std::random_device device;
    std::uniform_int_distribution<int> fewer(0, options.max_tasks_jitter);
    return *options.max_tasks_per_child - fewer(device);
  } catch (const std::exception&) {
    return options.max_tasks_per_child;  // no device, no jitter
  }
}

}  // namespace poolmark::detail
