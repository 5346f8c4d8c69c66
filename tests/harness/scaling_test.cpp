#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "fake_suite.hpp"
#include "program.hpp"
#include "trace_rules.hpp"

// The real program, bench/scaling, as a user runs it.
namespace poolmark::harness::detail {
namespace {

using nlohmann::json;

TEST(Scaling, MeasuresATinyGridOfEveryExecutorAndPattern) {
  const TemporaryFolder folder;
  Program program(POOLMARK_SCALING, {"--workloads=sum", "--workers=2", "--benchmark_repetitions=2",
                                     "--benchmark_out=" + (folder / "out.json").string()});
  EXPECT_EQ(program.next_event()["event"], "plan");
  EXPECT_EQ(program.wait(), 0);

  const json report = json_of(folder / "out.json");
  EXPECT_EQ(report["failures"], json::array());
  EXPECT_EQ(report["partial"], false);
  EXPECT_EQ(report["tasks"]["sum"].size(), 4U);
  std::set<std::string> names;
  for (const json& entry : report["benchmarks"]) names.insert(entry["name"]);
  EXPECT_THAT(names, testing::UnorderedElementsAre(
                         "sum/sequential/map/workers:1", "sum/thread/map/workers:2",
                         "sum/thread/as_completed/workers:2", "sum/thread/wait/workers:2",
                         "sum/process/map/workers:2", "sum/process/as_completed/workers:2",
                         "sum/process/wait/workers:2", "sum/async/map/workers:2",
                         "sum/async/as_completed/workers:2", "sum/async/wait/workers:2"));
  EXPECT_EQ(report["benchmarks"].size(), 10U * 2U);
}

class InterruptedScaling : public testing::TestWithParam<const char*> {};

TEST_P(InterruptedScaling, WritesAPartialFileAndLeavesNoProcess) {
  const TemporaryFolder folder;
  Program program(POOLMARK_SCALING,
                  {"--workloads=sleep", std::string("--executors=") + GetParam(), "--workers=16",
                   "--no-baseline", "--benchmark_repetitions=10000",
                   "--benchmark_out=" + (folder / "out.json").string()});
  while (program.next_event()["event"] != "sample") {
  }
  program.interrupt_group();
  EXPECT_EQ(program.wait(), 130);

  const json report = json_of(folder / "out.json");
  EXPECT_EQ(report["partial"], true);
  EXPECT_EQ(report["failures"], json::array());
  EXPECT_GE(report["benchmarks"].size(), 1U);
  EXPECT_LT(report["benchmarks"].size(), 10000U);
  EXPECT_EQ(folder.count_files(), 1U);
}

INSTANTIATE_TEST_SUITE_P(Executors, InterruptedScaling,
                         testing::Values("thread", "process", "async"),
                         [](const auto& test) { return std::string(test.param); });

/// When the first task was submitted, and when the last result was held, in us.
std::pair<double, double> span_of(const std::vector<json>& tasks) {
  double from = tasks.front()["args"]["submitted_us"];
  double to = from;
  for (const json& task : tasks) {
    from = std::min<double>(from, task["args"]["submitted_us"]);
    to = std::max<double>(to, task["args"]["held_us"]);
  }
  return {from, to};
}

TEST(Scaling, TracesTheLastBatchOfACell) {
  const TemporaryFolder folder;
  Program program(
      POOLMARK_SCALING,
      {"--workloads=primes", "--executors=process", "--patterns=as_completed", "--workers=2",
       "--no-baseline", "--benchmark_repetitions=2", "--trace=" + (folder / "trace.json").string(),
       "--benchmark_out=" + (folder / "out.json").string()});
  EXPECT_EQ(program.wait(), 0);

  const json trace = json_of(folder / "trace.json");
  EXPECT_THAT(TraceRules::broken(trace), testing::IsEmpty()) << "two workers, and no overlap";
  const std::vector<json> tasks = events(trace, "X", "task");
  std::set<int> numbers;
  std::set<RowOfEvent> workers;
  for (const json& task : tasks) {
    numbers.insert(task["args"]["task"].get<int>());
    workers.insert(row_of(task));
  }
  EXPECT_EQ(tasks.size(), 20U);
  EXPECT_EQ(numbers.size(), 20U);
  EXPECT_EQ(workers.size(), 2U);

  // Of the last iteration, and of all of it: within 1 % is what docs/measuring.md promises.
  const json last = json_of(folder / "out.json")["benchmarks"].back();
  const json& cell = trace["otherData"]["cells"].at(0);
  EXPECT_EQ(cell["name"], last["name"]);
  EXPECT_EQ(cell["real_time_ns"], last["real_time"]);
  EXPECT_EQ(cell["busy_ns"], last["busy_ns"]);
  const json batch = events(trace, "X", "batch").at(0);
  EXPECT_DOUBLE_EQ(batch["dur"].get<double>() * 1000, last["real_time"]);
  const auto [from, to] = span_of(tasks);
  EXPECT_GT((to - from) * 1000, 0.99 * last["real_time"].get<double>());
  EXPECT_LE((to - from) * 1000, last["real_time"]);
}

TEST(Scaling, WritesTheTraceOfAnInterruptedRun) {
  const TemporaryFolder folder;
  Program program(POOLMARK_SCALING,
                  {"--workloads=sleep", "--executors=thread", "--workers=16", "--no-baseline",
                   "--benchmark_repetitions=10000", "--trace=" + (folder / "trace.json").string()});
  json event = program.next_event();
  while (!event.is_null() && event["event"] != "sample") event = program.next_event();
  program.interrupt_group();
  EXPECT_EQ(program.wait(), 130);
  const json trace = json_of(folder / "trace.json");
  EXPECT_THAT(TraceRules::broken(trace), testing::IsEmpty());
  EXPECT_EQ(trace["otherData"]["partial"], true);
  EXPECT_GE(trace["otherData"]["cells"].size(), 1U);
  EXPECT_EQ(folder.count_files(), 1U);
}

TEST(Scaling, EndsWithStatus2ForABadValueAndWritesNothing) {
  const TemporaryFolder folder;
  Program program(POOLMARK_SCALING,
                  {"--workers=0", "--benchmark_out=" + (folder / "out.json").string()});
  EXPECT_EQ(program.next_event(), nullptr);
  EXPECT_EQ(program.wait(), 2);
  EXPECT_EQ(folder.count_files(), 0U);
}

TEST(Scaling, RefusesAFileForTheTraceBeforeItMeasures) {
  const TemporaryFolder folder;
  Program program(POOLMARK_SCALING, {"--trace=" + (folder / "no" / "trace.json").string(),
                                     "--benchmark_out=" + (folder / "out.json").string()});
  EXPECT_EQ(program.next_event(), nullptr);
  EXPECT_EQ(program.wait(), 2);
  EXPECT_EQ(folder.count_files(), 0U);
}

}  // namespace
}  // namespace poolmark::harness::detail
