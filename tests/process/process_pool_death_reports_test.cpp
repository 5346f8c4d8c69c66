#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>

#include "going_wild.hpp"
#include "process/oom_kills.hpp"
#include "process_pools.hpp"
#include "tasks.hpp"

// What WorkerDied knows.
namespace poolmark::test {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

int use_and_die(std::size_t bytes, std::chrono::milliseconds cpu_time) {
  std::vector<char> memory(bytes, 'x');
  timespec used{};
  do {
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
  } while (std::chrono::seconds(used.tv_sec) + std::chrono::nanoseconds(used.tv_nsec) < cpu_time);
  raise(SIGKILL);
  return memory.back();
}

TEST(DeathReport, TellsCpuTimeAndPeakMemory) {
  constexpr std::size_t kBytes = std::size_t{96} << 20;
  constexpr std::chrono::milliseconds kCpuTime{40};
  ProcessPoolExecutor pool(with_workers(1));
  const WorkerDied died = death_of(pool.submit(use_and_die, kBytes, kCpuTime));
  EXPECT_GE(died.peak_memory, kBytes);
  // The kernel's books are kept in ticks.
  EXPECT_GE(died.cpu_time, kCpuTime / 2);
  EXPECT_THAT(died.what(), HasSubstr("s of CPU time and at most "));
  EXPECT_THAT(died.what(), HasSubstr(" MiB of memory"));
  EXPECT_FALSE(died.ordered);
  EXPECT_FALSE(died.probably_out_of_memory);
}

long use_memory(std::size_t bytes) {
  const std::vector<char> memory(bytes, 'x');
  return std::count(memory.begin(), memory.end(), 'x');
}

constexpr const char* kNoLimit = "takes a limit of memory: ctest -R sandbox.little_memory";

/// Twice what there is in the sandbox for it; none elsewhere.
std::optional<std::size_t> too_much_memory() {
  const char* limit = std::getenv("POOLMARK_TEST_MEMORY_MIB");
  if (limit == nullptr) return std::nullopt;
  return std::strtoull(limit, nullptr, 10) << 21;
}

TEST(DeathReport, TellsOfTheOutOfMemoryKiller) {
  const auto too_much = too_much_memory();
  if (!too_much) GTEST_SKIP() << kNoLimit;
  ProcessPoolExecutor pool(with_workers(2));
  auto neighbour = pool.submit(square, 5);
  const WorkerDied died = death_of(pool.submit(use_memory, *too_much));
  EXPECT_TRUE(died.probably_out_of_memory);
  EXPECT_THAT(died.what(), HasSubstr("probably the kernel's out-of-memory killer ended it"));
  EXPECT_EQ(neighbour.result(), 25);
  EXPECT_EQ(pool.submit(square, 6).result(), 36);
}

int go_wild_when(EventName begun, EventName time_has_come) {
  hold(begun, time_has_come);
  write_over_all_answers();
  for (;;) pause();
}

TEST(DeathReport, BlamesTheOutOfMemoryKillerForNothingThatThePoolHasKilled) {
  const auto too_much = too_much_memory();
  if (!too_much) GTEST_SKIP() << kNoLimit;
  const Event begun;
  const Event time_has_come;
  ProcessPoolExecutor pool(with_workers(2));
  const auto wild = pool.submit(go_wild_when, begun.name(), time_has_come.name());
  begun.wait();
  // While the other worker lives.
  EXPECT_TRUE(death_of(pool.submit(use_memory, *too_much)).probably_out_of_memory);
  time_has_come.set();
  const WorkerDied died = death_of(wild);
  EXPECT_THAT(died.doing, StartsWith("killed because "));
  EXPECT_FALSE(died.probably_out_of_memory);
}

TEST(DeathReport, IsOneSentence) {
  const WorkerDied died({.pid = 12,
                         .signal = SIGKILL,
                         .doing = "running a task",
                         .cpu_time = std::chrono::milliseconds(1500),
                         .peak_memory = std::size_t{34} << 20,
                         .probably_out_of_memory = true});
  EXPECT_STREQ(died.what(),
               "worker process 12 ended by signal 9 (Killed) while it was running a task; it had "
               "used 1.5 s of CPU time and at most 34 MiB of memory; probably the kernel's "
               "out-of-memory killer ended it (a guess: it struck in this control group while the "
               "worker lived)");
}

// ---- the kernel's count of out-of-memory kills ----------------------------------------

/// A root with control groups of a test's making.
class ControlGroups : public ::testing::Test {
 protected:
  ControlGroups() {
    std::string name = (std::filesystem::temp_directory_path() / "poolmark-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary directory");
    root_ = name;
  }
  ~ControlGroups() override { std::filesystem::remove_all(root_); }

  void write(const std::string& path, const std::string& text) const {
    const auto file = root_.string() + path;
    std::filesystem::create_directories(std::filesystem::path(file).parent_path());
    std::ofstream(file) << text;
  }
  detail::OomKills open() const { return detail::OomKills::open(root_.string()); }

 private:
  std::filesystem::path root_;
};

TEST_F(ControlGroups, OfVersion2CountTheirKills) {
  write("/proc/self/cgroup", "0::/user/job\n");
  write("/sys/fs/cgroup/user/job/memory.events",
        "low 0\nhigh 0\nmax 9\noom 4\noom_kill 3\noom_group_kill 2\n");
  const auto kills = open();
  EXPECT_EQ(kills.count(), 3U);
  write("/sys/fs/cgroup/user/job/memory.events", "oom 5\noom_kill 12\n");
  EXPECT_EQ(kills.count(), 12U) << "it is read again each time";
}

TEST_F(ControlGroups, OfVersion1CountTheirKills) {
  write("/proc/self/cgroup", "9:name=systemd:/\n4:memory:/job\n0::/\n");
  write("/sys/fs/cgroup/memory/job/memory.oom_control",
        "oom_kill_disable 0\nunder_oom 0\noom_kill 7\n");
  EXPECT_EQ(open().count(), 7U);
}

TEST_F(ControlGroups, OfAContainerAreFoundAboveTheListedPath) {
  write("/proc/self/cgroup", "0::/docker/0123\n");
  write("/sys/fs/cgroup/memory.events", "oom_kill 1\n");
  EXPECT_EQ(open().count(), 1U);
}

TEST_F(ControlGroups, ThatDoNotTellAreUnknown) {
  EXPECT_EQ(open().count(), std::nullopt);
  write("/proc/self/cgroup", "0::/\nnonsense\n");
  EXPECT_EQ(open().count(), std::nullopt);
  EXPECT_EQ(detail::oom_kills_in("oom_kill_disable 0\nunder_oom 0\n"), std::nullopt);
  EXPECT_EQ(detail::oom_kills_in("oom_kill x\n"), std::nullopt);
}

}  // namespace
}  // namespace poolmark::test
