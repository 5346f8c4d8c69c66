#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <latch>
#include <memory>
#include <numeric>
#include <set>

#include "fake_suite.hpp"
#include "poolmark/harness/suite.hpp"

// What the caller of a batch sees, on real pools: when it had submitted, when it held which result.
namespace poolmark::harness {
namespace {

using detail::BatchPlan;
using detail::BatchView;
using detail::Clock;
using detail::TemporaryFolder;
using nlohmann::json;
using testing::AnyOf;
using testing::SizeIs;

const auto kAnyResult = [](const std::vector<int>&, const std::vector<int>&) {};

int square(int x) { return x * x; }

json measure(Workload<int, int> workload, std::vector<std::string> flags) {
  const TemporaryFolder folder;
  Suite suite;
  suite.add(std::move(workload));
  flags.insert(flags.begin(), "program");
  flags.push_back("--benchmark_out=" + (folder / "out.json").string());
  std::vector<char*> pointers;
  for (std::string& flag : flags) pointers.push_back(flag.data());
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  const int status = suite.main(static_cast<int>(pointers.size()), pointers.data());
  const std::string said = testing::internal::GetCapturedStderr();
  testing::internal::GetCapturedStdout();
  EXPECT_EQ(status, 0) << said;
  return detail::json_of(folder / "out.json");
}

Workload<int, int> squares(int count) {
  std::vector<int> inputs(static_cast<std::size_t>(count));
  std::iota(inputs.begin(), inputs.end(), 0);
  return {.name = "squares",
          .inputs = inputs,
          .task = square,
          .check = results_equal<int, int>("squares", [](const int& x) { return x * x; }),
          .workers = {2}};
}

/// That a cell's times fit together: with each other, and with the times of its batches.
void expect_sound(const json& report, const json& entry) {
  const std::string name = entry["name"];
  const json& completions = report["completions"][name];
  const auto k = completions["k"].get<std::vector<int>>();
  const auto ns = completions["ns"].get<std::vector<double>>();
  ASSERT_EQ(k.size(), ns.size()) << name;
  EXPECT_EQ(k.front(), 1) << name;
  EXPECT_EQ(k.back(), entry["tasks"]) << name;
  EXPECT_TRUE(std::is_sorted(ns.begin(), ns.end())) << name;
  EXPECT_GT(ns.front(), 0) << name;
  EXPECT_GT(entry["submit_ns"], 0) << name;
  EXPECT_LT(entry["submit_ns"], entry["real_time"]) << name;
  EXPECT_LE(entry["first_result_ns"], entry["real_time"]) << name;
  if (entry["repetitions"] == 1 && entry["iterations"] == 1) {
    EXPECT_EQ(ns.front(), entry["first_result_ns"]) << name;
    EXPECT_LE(ns.back(), entry["real_time"]) << name;
    EXPECT_LE(report["latencies"][name]["ns"].back(), entry["real_time"]) << name;
  }
}

TEST(CallerView, IsTimedForEveryExecutorAndPatternWarmAndCold) {
  const json report = measure(squares(5), {"--executors=sequential,thread,process", "--pool=both",
                                           "--chunksize=2,auto", "--benchmark_repetitions=1"});
  EXPECT_THAT(report["benchmarks"], SizeIs(3 + 2 * 2 * 4));
  for (const json& entry : report["benchmarks"]) {
    expect_sound(report, entry);
    const json& latencies = report["latencies"][entry["name"].get<std::string>()];
    EXPECT_EQ(latencies["count"], 5) << entry["name"];
    EXPECT_EQ(latencies["quantiles"], json({1})) << entry["name"];
  }
}

TEST(CallerView, IsTimedAtAHundredResultsOfALargeBatch) {
  const json report =
      measure(squares(1000), {"--benchmark_repetitions=2", "--executors=thread,process"});
  EXPECT_THAT(report["benchmarks"], SizeIs(2 * (1 + 2 * 3)));
  for (const json& entry : report["benchmarks"]) {
    expect_sound(report, entry);
    const std::string name = entry["name"];
    EXPECT_THAT(report["completions"][name]["k"], SizeIs(100)) << name;
    EXPECT_EQ(report["latencies"][name]["count"], 2 * 100) << name;
    EXPECT_EQ(report["latencies"][name]["quantiles"], json({0.5, 0.9, 1})) << name;
  }
}

/// Which workers ran a batch, as its check saw it.
std::set<int> workers_of_naps(const std::string& executor, const std::string& chunksize) {
  static std::set<int> workers;
  workers.clear();
  measure({.name = "naps",
           .inputs = std::vector<int>(8, 2000),
           .task = detail::thread_id_after_nap,
           .check =
               [](const std::vector<int>&, const std::vector<int>& ids) {
                 workers = {ids.begin(), ids.end()};
               },
           .workers = {2}},
          {"--executors=" + executor, "--patterns=map", "--no-baseline",
           "--benchmark_repetitions=1", "--chunksize=" + chunksize});
  return workers;
}

TEST(Chunksize, IsWhatAWorkerTakesAtOnce) {
  for (const char* executor : {"thread", "process"}) {
    EXPECT_THAT(workers_of_naps(executor, "8"), SizeIs(1)) << executor;
    EXPECT_THAT(workers_of_naps(executor, "100"), SizeIs(1)) << executor;
  }
}

// Task 0 ends when the last one runs. That runs behind the others, on the worker that is free.
std::unique_ptr<std::latch> last_task_runs;
constexpr int kTasks = 5;

int wait_for_the_last(int task) {
  if (task == 0) last_task_runs->wait();
  if (task == kTasks - 1) last_task_runs->count_down();
  return task;
}

class SlowFirstTask : public testing::Test {
 protected:
  BatchView run(const BatchPlan& plan) {
    last_task_runs = std::make_unique<std::latch>(1);
    const auto workload = std::make_shared<const Workload<int, int>>(Workload<int, int>{
        .name = "slow", .inputs = {0, 1, 2, 3, 4}, .task = wait_for_the_last, .check = kAnyResult});
    detail::WorkloadOnExecutor<int, int, int (*)(int), ThreadPoolExecutor> subject(
        workload, [](int workers) { return std::make_unique<ThreadPoolExecutor>(workers); });
    subject.make_pool(2);
    const auto start = Clock::now();
    subject.run_batch(plan);
    const BatchView seen = subject.view_batch(start);
    subject.check_results();
    subject.close_pool(false);
    EXPECT_THAT(seen.completions, SizeIs(kTasks));
    EXPECT_THAT(seen.latencies, SizeIs(kTasks));
    return seen;
  }

  /// When the task was submitted whose result was held at each mark.
  static std::vector<double> submissions(const BatchView& seen) {
    std::vector<double> at;
    for (std::size_t j = 0; j < seen.completions.size(); ++j) {
      at.push_back(seen.completions[j] - seen.latencies[j]);
    }
    return at;
  }
};

TEST_F(SlowFirstTask, ComesLateFromAsCompleted) {
  const auto submitted = submissions(run({.pattern = Pattern::AsCompleted}));
  const auto first = std::ranges::min_element(submitted) - submitted.begin();
  EXPECT_THAT(first, AnyOf(kTasks - 2, kTasks - 1)) << "it and the last task end together";
}

TEST_F(SlowFirstTask, ComesFirstFromMap) {
  const auto submitted = submissions(run({.pattern = Pattern::Map, .chunksize = 1}));
  for (const double at : submitted) EXPECT_NEAR(at, submitted.front(), 1e-3) << "one call for all";
}

TEST_F(SlowFirstTask, ComesFirstFromWait) {
  const auto submitted = submissions(run({.pattern = Pattern::Wait}));
  EXPECT_TRUE(std::is_sorted(submitted.begin(), submitted.end()));
}

}  // namespace
}  // namespace poolmark::harness
