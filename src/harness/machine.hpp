#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

/// Facts of the machine that decide what a measurement means: "unknown" rather than a guess.
/// Where there is a `root`, files are read below it; "/" is this machine.
namespace poolmark::harness::detail {

struct Machine {
  std::string cpu_model;
  int usable_cpus = 1;
  std::string affinity;             // "0-3,8"
  std::optional<double> cpu_quota;  // CPUs that the control groups grant; none: no limit
  std::string governor;             // of CPU 0's frequency, or "unknown"
  std::string virtualization;       // "kvm", "none", ..., or "unknown"
  std::string kernel;
};

Machine read_machine();

/// "0-3,8" from CPU numbers in ascending order.
std::string cpu_list(const std::vector<int>& cpus);

/// The CPUs that this process's control groups grant, v1 and v2; none: no limit.
std::optional<double> read_cpu_quota(const std::filesystem::path& root);

std::string read_cpu_model(const std::filesystem::path& root);
std::string read_governor(const std::filesystem::path& root);

/// The hypervisor whose clock the kernel offers; none where it offers none. Where guests are nested
/// the processor may name an outer one, which this kernel knows nothing of.
std::optional<std::string> kernels_hypervisor(const std::filesystem::path& root);

/// "none" unless `is_guest`; else the maker that the processor's hypervisor signature names.
std::string virtualization_of(const std::string& signature, bool is_guest);

}  // namespace poolmark::harness::detail
