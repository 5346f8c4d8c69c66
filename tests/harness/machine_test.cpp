#include "harness/machine.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fake_suite.hpp"
#include "poolmark/executor.hpp"

namespace poolmark::harness::detail {
namespace {

TEST(CpuList, JoinsNeighbours) {
  EXPECT_EQ(cpu_list({0, 1}), "0-1");
  EXPECT_EQ(cpu_list({0, 1, 2, 3, 8}), "0-3,8");
  EXPECT_EQ(cpu_list({5}), "5");
  EXPECT_EQ(cpu_list({1, 3, 5}), "1,3,5");
  EXPECT_EQ(cpu_list({}), "unknown");
}

TEST(CpuQuota, IsReadFromAVersion2Group) {
  const TemporaryFolder root;
  root.write("proc/self/cgroup", "0::/jobs/mine\n");
  root.write("sys/fs/cgroup/jobs/mine/cpu.max", "150000 100000\n");
  EXPECT_EQ(read_cpu_quota(root.path()), 1.5);
}

TEST(CpuQuota, IsReadFromAVersion1Group) {
  const TemporaryFolder root;
  root.write("proc/self/cgroup", "4:memory:/x\n3:cpu,cpuacct:/jobs\n");
  root.write("sys/fs/cgroup/cpu/jobs/cpu.cfs_quota_us", "300000\n");
  root.write("sys/fs/cgroup/cpu/jobs/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(read_cpu_quota(root.path()), 3);
}

TEST(CpuQuota, IsAbsentWhenThereIsNoLimit) {
  const TemporaryFolder root;
  EXPECT_EQ(read_cpu_quota(root.path()), std::nullopt);
  root.write("proc/self/cgroup", "0::/\n");
  root.write("sys/fs/cgroup/cpu.max", "max 100000\n");
  EXPECT_EQ(read_cpu_quota(root.path()), std::nullopt);
}

TEST(CpuModel, IsTheNameInCpuinfo) {
  const TemporaryFolder root;
  EXPECT_EQ(read_cpu_model(root.path()), "unknown");
  root.write("proc/cpuinfo",
             "processor\t: 0\nmodel\t\t: 17\nmodel name\t: Some CPU: 3 GHz\nflags\t\t: fpu\n");
  EXPECT_EQ(read_cpu_model(root.path()), "Some CPU: 3 GHz");
}

TEST(Governor, IsUnknownWhereTheKernelDoesNotTell) {
  const TemporaryFolder root;
  EXPECT_EQ(read_governor(root.path()), "unknown");
  root.write("sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "performance\n");
  EXPECT_EQ(read_governor(root.path()), "performance");
}

TEST(Virtualization, IsWhatTheProcessorSays) {
  EXPECT_EQ(virtualization_of(std::string("KVMKVMKVM\0\0\0", 12), true), "kvm");
  EXPECT_EQ(virtualization_of("Microsoft Hv", true), "hyperv");
  EXPECT_EQ(virtualization_of("NobodyKnows!", true), "a guest of an unknown hypervisor");
  EXPECT_EQ(virtualization_of("KVMKVMKVM", false), "none") << "the leaf is garbage on bare metal";
}

TEST(Virtualization, IsWhatTheKernelRunsOnWhereGuestsAreNested) {
  const TemporaryFolder root;
  const char* const clocks = "sys/devices/system/clocksource/clocksource0/available_clocksource";
  EXPECT_EQ(kernels_hypervisor(root.path()), std::nullopt);
  root.write(clocks, "tsc hpet acpi_pm\n");
  EXPECT_EQ(kernels_hypervisor(root.path()), std::nullopt);
  root.write(clocks, "tsc kvm-clock acpi_pm\n");
  EXPECT_EQ(kernels_hypervisor(root.path()), "kvm");
  root.write(clocks, "hyperv_clocksource_tsc_page\n");
  EXPECT_EQ(kernels_hypervisor(root.path()), "hyperv");
}

TEST(Machine, KnowsItself) {
  const Machine machine = read_machine();
  EXPECT_EQ(machine.usable_cpus, usable_cpus());
  EXPECT_THAT(machine.affinity, testing::MatchesRegex("[0-9,-]+"));
  EXPECT_THAT(machine.kernel, testing::ContainsRegex("^[0-9]+\\."));
}

}  // namespace
}  // namespace poolmark::harness::detail
