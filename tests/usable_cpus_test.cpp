#include "poolmark/detail/usable_cpus.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <stdlib.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <limits>

#include "poolmark/executor.hpp"

namespace poolmark {
namespace {

constexpr double kNoLimit = std::numeric_limits<double>::infinity();

/// A tree that stands for "/" with the control groups of a machine.
class CgroupTree : public ::testing::Test {
 protected:
  CgroupTree() {
    std::string path = "/tmp/poolmark-cgroup-XXXXXX";
    if (mkdtemp(path.data()) == nullptr) throw std::runtime_error("cannot make " + path);
    root_ = path;
  }
  ~CgroupTree() override { std::filesystem::remove_all(root_); }

  void write(const std::string& path, const std::string& text) const {
    const std::filesystem::path file(root_ + path);
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file) << text << "\n";
  }
  double quota() const { return detail::cpus_by_quota(root_); }

 private:
  std::string root_;
};

TEST_F(CgroupTree, no_control_groups_set_no_limit) { EXPECT_EQ(quota(), kNoLimit); }

TEST_F(CgroupTree, v2_reads_quota_and_period) {
  write("/proc/self/cgroup", "0::/user.slice/job");
  write("/sys/fs/cgroup/user.slice/job/cpu.max", "150000 100000");
  EXPECT_DOUBLE_EQ(quota(), 1.5);
}

TEST_F(CgroupTree, v2_max_is_no_limit) {
  write("/proc/self/cgroup", "0::/job");
  write("/sys/fs/cgroup/job/cpu.max", "max 100000");
  EXPECT_EQ(quota(), kNoLimit);
}

TEST_F(CgroupTree, v2_the_least_quota_on_the_way_up_counts) {
  write("/proc/self/cgroup", "0::/a/b/c");
  write("/sys/fs/cgroup/a/b/c/cpu.max", "max 100000");
  write("/sys/fs/cgroup/a/b/cpu.max", "300000 100000");
  write("/sys/fs/cgroup/a/cpu.max", "200000 100000");
  write("/sys/fs/cgroup/cpu.max", "400000 100000");
  EXPECT_DOUBLE_EQ(quota(), 2);
}

TEST_F(CgroupTree, v2_inside_a_container_the_mount_point_is_the_group) {
  // The listed path is the host's and does not exist in here.
  write("/proc/self/cgroup", "0::/docker/0123abcd");
  write("/sys/fs/cgroup/cpu.max", "50000 100000");
  EXPECT_DOUBLE_EQ(quota(), 0.5);
}

TEST_F(CgroupTree, v1_reads_the_cpu_controller_among_others) {
  write("/proc/self/cgroup", "9:memory:/job\n7:cpu,cpuacct:/job\n1:name=systemd:/job");
  write("/sys/fs/cgroup/cpu/job/cpu.cfs_quota_us", "250000");
  write("/sys/fs/cgroup/cpu/job/cpu.cfs_period_us", "100000");
  EXPECT_DOUBLE_EQ(quota(), 2.5);
}

TEST_F(CgroupTree, v1_cpuset_is_not_the_cpu_controller) {
  write("/proc/self/cgroup", "7:cpuset:/job");
  write("/sys/fs/cgroup/cpu/job/cpu.cfs_quota_us", "250000");
  write("/sys/fs/cgroup/cpu/job/cpu.cfs_period_us", "100000");
  EXPECT_EQ(quota(), kNoLimit);
}

TEST_F(CgroupTree, v1_minus_one_is_no_limit_and_a_parent_may_set_one) {
  write("/proc/self/cgroup", "7:cpu:/a/b");
  write("/sys/fs/cgroup/cpu/a/b/cpu.cfs_quota_us", "-1");
  write("/sys/fs/cgroup/cpu/a/b/cpu.cfs_period_us", "100000");
  EXPECT_EQ(quota(), kNoLimit);
  write("/sys/fs/cgroup/cpu/a/cpu.cfs_quota_us", "100000");
  write("/sys/fs/cgroup/cpu/a/cpu.cfs_period_us", "50000");
  EXPECT_DOUBLE_EQ(quota(), 2);
}

TEST_F(CgroupTree, with_both_hierarchies_the_lesser_counts) {
  write("/proc/self/cgroup", "7:cpu:/job\n0::/job");
  write("/sys/fs/cgroup/cpu/job/cpu.cfs_quota_us", "400000");
  write("/sys/fs/cgroup/cpu/job/cpu.cfs_period_us", "100000");
  write("/sys/fs/cgroup/job/cpu.max", "300000 100000");
  EXPECT_DOUBLE_EQ(quota(), 3);
}

TEST_F(CgroupTree, lines_that_make_no_sense_are_passed_over) {
  write("/proc/self/cgroup", "\nnonsense\n1:\n0::relative\n0::/job");
  write("/sys/fs/cgroup/job/cpu.max", "100000 0");
  EXPECT_EQ(quota(), kNoLimit);
  write("/sys/fs/cgroup/job/cpu.max", "");
  EXPECT_EQ(quota(), kNoLimit);
}

TEST(UsableCpus, the_quota_is_rounded_up_and_the_lesser_counts) {
  EXPECT_EQ(detail::usable_cpus_of(8, kNoLimit), 8);
  EXPECT_EQ(detail::usable_cpus_of(8, 1.5), 2);
  EXPECT_EQ(detail::usable_cpus_of(8, 2.0), 2);
  EXPECT_EQ(detail::usable_cpus_of(2, 7.5), 2);
  EXPECT_EQ(detail::usable_cpus_of(8, 0.01), 1);
  EXPECT_EQ(detail::usable_cpus_of(0, kNoLimit), 1);
}

/// Gives the process its CPUs back.
class AffinityGuard {
 public:
  AffinityGuard() { sched_getaffinity(0, sizeof before_, &before_); }
  AffinityGuard(const AffinityGuard&) = delete;
  AffinityGuard& operator=(const AffinityGuard&) = delete;
  ~AffinityGuard() { sched_setaffinity(0, sizeof before_, &before_); }
  const cpu_set_t& before() const noexcept { return before_; }

 private:
  cpu_set_t before_{};
};

TEST(UsableCpus, follow_the_affinity_of_the_process) {
  const AffinityGuard guard;
  const int before = CPU_COUNT(&guard.before());
  EXPECT_GE(usable_cpus(), 1);
  EXPECT_LE(usable_cpus(), before);
  if (before < 2) GTEST_SKIP() << "one CPU cannot be taken away";
  cpu_set_t one{};
  for (int cpu = 0; CPU_COUNT(&one) == 0; ++cpu) {
    if (CPU_ISSET(cpu, &guard.before())) CPU_SET(cpu, &one);
  }
  ASSERT_EQ(sched_setaffinity(0, sizeof one, &one), 0);
  EXPECT_EQ(usable_cpus(), 1);
}

}  // namespace
}  // namespace poolmark
