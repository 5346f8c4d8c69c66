#include "harness/machine.hpp"

#include <sched.h>
#include <sys/utsname.h>
#if defined(__x86_64__) || defined(__i386__)
#include <cpuid.h>
#endif

#include <cmath>
#include <cstring>
#include <fstream>
#include <memory>
#include <utility>

#include "poolmark/detail/usable_cpus.hpp"
#include "poolmark/executor.hpp"

namespace poolmark::harness::detail {
namespace {

namespace fs = std::filesystem;

constexpr const char* kUnknown = "unknown";

std::optional<std::string> first_line(const fs::path& path) {
  std::ifstream file(path);
  std::string line;
  if (!std::getline(file, line) || line.empty()) return std::nullopt;
  return line;
}

/// The value of the first "key : value" line of /proc/cpuinfo.
std::optional<std::string> cpuinfo(const fs::path& root, const std::string& key) {
  std::ifstream file(root / "proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with(key)) continue;
    const auto colon = line.find(':');
    if (colon == std::string::npos || line.find_first_not_of(" \t", key.size()) != colon) continue;
    const auto value = line.find_first_not_of(" \t", colon + 1);
    if (value != std::string::npos) return line.substr(value);
  }
  return std::nullopt;
}

/// What the processor itself says; other architectures have no such instruction.
std::string this_virtualization() {
#if defined(__x86_64__) || defined(__i386__)
  constexpr unsigned kFeatures = 1;
  constexpr unsigned kGuestBit = 1U << 31U;  // of ECX
  constexpr unsigned kHypervisor = 0x40000000;
  unsigned a = 0;
  unsigned c = 0;
  unsigned text[3] = {};
  const bool is_guest =
      __get_cpuid(kFeatures, &a, &text[0], &c, &text[2]) != 0 && (c & kGuestBit) != 0;
  __cpuid(kHypervisor, a, text[0], text[1], text[2]);
  std::string signature(sizeof text, '\0');
  std::memcpy(signature.data(), text, sizeof text);
  return virtualization_of(signature, is_guest);
#else
  return kUnknown;
#endif
}

std::vector<int> allowed_cpus() {
  // The kernel refuses a mask smaller than its own, so grow until it fits.
  for (int most = 1024; most <= 1 << 20; most *= 2) {
    const std::size_t size = CPU_ALLOC_SIZE(most);
    const std::unique_ptr<cpu_set_t, void (*)(cpu_set_t*)> mask(
        CPU_ALLOC(static_cast<std::size_t>(most)), [](cpu_set_t* set) { CPU_FREE(set); });
    if (!mask || sched_getaffinity(0, size, mask.get()) != 0) continue;
    std::vector<int> cpus;
    for (int cpu = 0; cpu < most; ++cpu) {
      if (CPU_ISSET_S(static_cast<std::size_t>(cpu), size, mask.get())) cpus.push_back(cpu);
    }
    return cpus;
  }
  return {};
}

}  // namespace

std::string cpu_list(const std::vector<int>& cpus) {
  std::string text;
  for (std::size_t first = 0; first < cpus.size();) {
    std::size_t last = first;
    while (last + 1 < cpus.size() && cpus[last + 1] == cpus[last] + 1) ++last;
    if (!text.empty()) text += ',';
    text += std::to_string(cpus[first]);
    if (last > first) text.append("-").append(std::to_string(cpus[last]));
    first = last + 1;
  }
  return text.empty() ? kUnknown : text;
}

std::optional<double> read_cpu_quota(const fs::path& root) {
  const double cpus = poolmark::detail::cpus_by_quota(root == "/" ? "" : root.string());
  return std::isfinite(cpus) ? std::optional<double>(cpus) : std::nullopt;
}

std::string read_cpu_model(const fs::path& root) {
  for (const char* key : {"model name", "Model", "cpu"}) {
    if (auto model = cpuinfo(root, key)) return *model;
  }
  return kUnknown;
}

std::string read_governor(const fs::path& root) {
  return first_line(root / "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")
      .value_or(kUnknown);
}

std::optional<std::string> kernels_hypervisor(const fs::path& root) {
  const std::string clocks =
      first_line(root / "sys/devices/system/clocksource/clocksource0/available_clocksource")
          .value_or("");
  const std::pair<const char*, const char*> kClocks[] = {
      {"kvm-clock", "kvm"}, {"hyperv", "hyperv"}, {"xen", "xen"}};
  for (const auto& [clock, name] : kClocks) {
    if (clocks.find(clock) != std::string::npos) return name;
  }
  return std::nullopt;
}

std::string virtualization_of(const std::string& signature, bool is_guest) {
  if (!is_guest) return "none";
  const std::pair<const char*, const char*> kMakers[] = {
      {"KVMKVMKVM", "kvm"},           {"Linux KVM Hv", "kvm"},    {"TCGTCGTCGTCG", "qemu"},
      {"VMwareVMware", "vmware"},     {"Microsoft Hv", "hyperv"}, {"XenVMMXenVMM", "xen"},
      {"VBoxVBoxVBox", "virtualbox"}, {"bhyve bhyve ", "bhyve"},  {"ACRNACRNACRN", "acrn"}};
  for (const auto& [mark, name] : kMakers) {
    if (signature.starts_with(mark)) return name;
  }
  return "a guest of an unknown hypervisor";
}

Machine read_machine() {
  const fs::path root = "/";
  Machine machine;
  machine.cpu_model = read_cpu_model(root);
  machine.usable_cpus = usable_cpus();
  machine.affinity = cpu_list(allowed_cpus());
  machine.cpu_quota = read_cpu_quota(root);
  machine.governor = read_governor(root);
  machine.virtualization = kernels_hypervisor(root).value_or(this_virtualization());
  utsname system{};
  machine.kernel = uname(&system) == 0 ? system.release : kUnknown;
  return machine;
}

}  // namespace poolmark::harness::detail
