#include "poolmark/harness/suite.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cmath>
#include <ctime>
#include <memory>
#include <stdexcept>

#include "suite_run.hpp"

// Suites of real workloads on real executors.
namespace poolmark::harness {
namespace {

using nlohmann::json;
using testing::AllOf;
using testing::HasSubstr;

int square(int x) { return x * x; }
int square_but_7(int x) { return x == 7 ? 0 : x * x; }
int throw_at_7(int x) {
  if (x == 7) throw std::runtime_error("seven");
  return x * x;
}

Workload<int, int> squares(int (*task)(int) = square) {
  return {.name = "squares",
          .inputs = {3, 5, 7, 9},
          .long_inputs = {3, 5, 7, 9, 11},
          .task = task,
          .check = results_equal<int, int>("squares", [](const int& x) { return x * x; }),
          .workers = {2}};
}

// Of one worker count: the baseline, and two pools in three ways each.
constexpr std::size_t kCells = 1 + 2 * 3;
constexpr std::size_t kRepetitions = 2;  // measure() asks for

TEST_F(SuiteRun, MeasuresEveryExecutorAndPattern) {
  Suite suite;
  suite.add(squares());
  const json report = measure(suite, 0);
  EXPECT_EQ(report["failures"], json::array());
  EXPECT_EQ(report["benchmarks"].size(), kCells * kRepetitions);
  EXPECT_EQ(report["tasks"]["squares"].size(), 4U);
  for (const json& entry : report["benchmarks"]) {
    EXPECT_EQ(entry["tasks"], 4);
    EXPECT_GT(entry["real_time"], 0);
    EXPECT_GT(entry["first_result_ns"], 0);
    EXPECT_LE(entry["first_result_ns"], entry["real_time"]);
    EXPECT_TRUE(entry.contains("speedup")) << entry;
  }
}

TEST_F(SuiteRun, MeasuresColdPools) {
  Suite suite;
  suite.add(squares());
  const json report = measure(suite, 0, {"--pool=cold"});
  EXPECT_EQ(report["failures"], json::array());
  EXPECT_EQ(report["context"]["pool"], "cold");
}

TEST_F(SuiteRun, MeasuresLongInputs) {
  Suite suite;
  suite.add(squares());
  const json report = measure(suite, 0, {"--long", "--executors=sequential"});
  EXPECT_EQ(report["context"]["long"], true);
  for (const json& entry : report["benchmarks"]) EXPECT_EQ(entry["tasks"], 5);
}

TEST_F(SuiteRun, FailsWhereAResultIsWrong) {
  Suite suite;
  suite.add(squares(square_but_7));
  const json report = measure(suite, 1);
  EXPECT_EQ(report["benchmarks"], json::array());
  EXPECT_EQ(report["failures"].size(), kCells * kRepetitions);
  for (const json& failure : report["failures"]) {
    EXPECT_EQ(failure["message"], "wrong result of squares, task 2: got 0, expected 49");
  }
}

TEST_F(SuiteRun, FailsWhereATaskThrows) {
  Suite suite;
  suite.add(squares(throw_at_7));
  const json report = measure(suite, 1);
  EXPECT_EQ(report["benchmarks"], json::array());
  for (const json& failure : report["failures"]) {
    EXPECT_THAT(failure["message"].get<std::string>(), HasSubstr("seven"));
  }
}

// ---- on an event loop
// ----------------------------------------------------------------------------------------------

poolmark::Coroutine<int> square_on_loop(int x) { co_return x* x; }
poolmark::Coroutine<int> throw_on_loop(int) {
  co_await poolmark::sleep(std::chrono::nanoseconds(0));
  throw std::runtime_error("on the loop");
}

Workload<int, int> squares_on_loop(poolmark::Coroutine<int> (*coroutine)(int) = square_on_loop) {
  Workload<int, int> workload = squares();
  workload.coroutine = coroutine;
  return workload;
}

TEST_F(SuiteRun, MeasuresACoroutineOnAnEventLoop) {
  for (const char* pool : {"--pool=warm", "--pool=cold"}) {
    Suite suite;
    suite.add(squares_on_loop());
    const json report = measure(suite, 0, {"--executors=async", "--workers=1,3", pool});
    EXPECT_EQ(report["failures"], json::array());
    EXPECT_EQ(report["benchmarks"].size(), (1 + 2 * 3) * kRepetitions) << "with the baseline";
    for (const json& entry : report["benchmarks"]) {
      EXPECT_GT(entry["cpu_time_total_ns"], 0);
      EXPECT_FALSE(entry.contains("sent_bytes"));
    }
  }
}

TEST_F(SuiteRun, FailsWhereACoroutineThrows) {
  Suite suite;
  suite.add(squares_on_loop(throw_on_loop));
  const json report = measure(suite, 1, {"--executors=async", "--no-baseline"});
  EXPECT_EQ(report["failures"].size(), 3 * kRepetitions);
  for (const json& failure : report["failures"]) {
    EXPECT_THAT(failure["message"].get<std::string>(), HasSubstr("on the loop"));
  }
}

TEST_F(SuiteRun, TellsOfAMissingCoroutineIfTheLoopIsAskedFor) {
  Suite suite;
  suite.add(squares());
  const json all = measure(suite, 0);
  EXPECT_FALSE(all["context"].contains("left_out")) << "nobody expects it there";
  const json chosen = measure(suite, 0, {"--executors=thread,async"});
  EXPECT_THAT(chosen["context"]["left_out"][0].get<std::string>(),
              HasSubstr("squares/async is left out: it has no coroutine"));
  EXPECT_EQ(main_of(suite, {"--executors=async", "--no-baseline"}), 2);
  EXPECT_THAT(said, HasSubstr("squares/async is left out: it has no coroutine"));
}

TEST_F(SuiteRun, HasNoTimelineOfAnEventLoop) {
  Suite suite;
  suite.add(squares_on_loop());
  const json report = measure(suite, 0, {"--timeline"});
  EXPECT_EQ(report["failures"], json::array());
  for (const json& entry : report["benchmarks"]) {
    for (const char* field : {"head_of_line_ns", "busy_ns", "idle_share"}) {
      EXPECT_EQ(entry.contains(field), entry["executor"] != "async") << entry;
    }
  }
}

// ---- what a workload brings along
// ----------------------------------------------------------------------------------------

int set_up_value = 0;  // worker processes see what it was when they came to be
int value_that_was_set_up(int) { return set_up_value; }

TEST_F(SuiteRun, SetsAWorkloadUpOnceBeforeItsWorkersAreForked) {
  int calls = 0;
  Workload<int, int> workload = squares(value_that_was_set_up);
  workload.check = [](const std::vector<int>&, const std::vector<int>& results) {
    EXPECT_THAT(results, testing::Each(7));
  };
  workload.set_up = [&] {
    ++calls;
    set_up_value = 7;
  };
  Suite suite;
  suite.add(workload);
  // The program's own process has a zygote already, which knows nothing of the value.
  measure(suite, 0, {"--executors=thread"});
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(main_of(suite, {"--benchmark_list_tests"}), 0);
  EXPECT_EQ(calls, 1) << "to list cells needs nothing";
}

TEST_F(SuiteRun, FailsAWorkloadThatCannotBeSetUp) {
  Workload<int, int> broken = squares();
  broken.name = "broken";
  broken.set_up = [] { throw std::runtime_error("no server"); };
  Suite suite;
  suite.add(broken);
  suite.add(squares());
  const json report = measure(suite, 1);
  EXPECT_EQ(report["failures"].size(), kCells * kRepetitions);
  for (const json& failure : report["failures"]) EXPECT_EQ(failure["message"], "no server");
  EXPECT_EQ(report["benchmarks"].size(), kCells * kRepetitions) << "of the other workload";
}

// Of each task; far more than a caller needs to make a pool, even with a sanitizer beside it.
constexpr long kSpinNs = 10'000'000;

/// Uses kSpinNs of its thread's CPU time, however long that takes.
int spin(int x) {
  const auto cpu_time = [] {
    timespec now{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return now.tv_sec * 1'000'000'000 + now.tv_nsec;
  };
  const auto end = cpu_time() + kSpinNs;
  while (cpu_time() < end) {
  }
  return x;
}

TEST_F(SuiteRun, CountsWhatCrossesToProcesses) {
  Suite suite;
  suite.add("grow", {1, 2},
            [](int x) { return std::string(static_cast<std::size_t>(1000 * x), 'x'); });
  for (const char* flag : {"--pool=warm", "--pool=cold", "--benchmark_min_time=0.01"}) {
    const json report = measure(suite, 0, {flag});
    for (const json& entry : report["benchmarks"]) {
      const bool is_process = entry["executor"] == "process";
      EXPECT_EQ(entry.contains("sent_bytes"), is_process) << entry;
      if (!is_process) continue;
      EXPECT_GE(entry["sent_bytes"], 2 * sizeof(int)) << flag << entry;
      EXPECT_LT(entry["sent_bytes"], 3000) << flag << entry;
      EXPECT_GE(entry["received_bytes"], 3000) << flag << entry;
      EXPECT_LT(entry["received_bytes"], 3200) << "of one batch: " << flag << entry;
    }
  }
}

TEST_F(SuiteRun, CountsTheCpuTimeOfThreadsAndProcesses) {
  Suite suite;
  suite.add(
      Workload<int, int>{.name = "spin",
                         .inputs = {1, 2},
                         .task = spin,
                         .check = results_equal<int, int>("spin", [](const int& x) { return x; }),
                         .workers = {1}});
  for (const char* pool : {"--pool=warm", "--pool=cold"}) {
    const json report = measure(suite, 0, {pool});
    EXPECT_EQ(report["benchmarks"].size(), kCells * kRepetitions);
    for (const json& entry : report["benchmarks"]) {
      EXPECT_GE(entry["cpu_time_total_ns"], 2 * kSpinNs) << pool << entry;
      if (entry["executor"] == "sequential") continue;
      EXPECT_LT(entry["cpu_time"], 2 * kSpinNs) << "the caller's own alone: " << pool << entry;
    }
  }
}

/// A pool of a user's own: runs each task in submit(), but claims two workers.
class OwnPool {
 public:
  template <class F, class... Args>
  auto submit(F f, Args... args) {
    return inner_.submit(f, args...);
  }
  void shutdown(ShutdownOptions) { inner_.shutdown(); }
  int max_workers() const { return 2; }

 private:
  SequentialExecutor inner_;
};

TEST_F(SuiteRun, MeasuresAnExecutorOfOnesOwn) {
  Suite suite{executor_under_test(
      "own", [](int workers) { return std::make_unique<ThreadPoolExecutor>(workers); })};
  suite.add(squares());
  const json report = measure(suite, 0, {"--executors=own"});
  EXPECT_EQ(report["failures"], json::array());
  EXPECT_EQ(report["benchmarks"].size(), 4U * 2U);
  EXPECT_EQ(report["benchmarks"].back()["name"], "squares/own/wait/workers:2");
}

TEST_F(SuiteRun, DoesNotCallAPoolWarmWhoseWorkersNeverRan) {
  Suite suite{executor_under_test("own", [](int) { return std::make_unique<OwnPool>(); })};
  suite.add(squares());
  const json report = measure(suite, 1, {"--executors=own", "--patterns=map", "--no-baseline"});
  EXPECT_THAT(report["failures"][0]["message"].get<std::string>(),
              HasSubstr("only 1 of its 2 workers"));
}

TEST_F(SuiteRun, ListsExactNamesAndMeasuresNothing) {
  Suite suite;
  suite.add(squares(throw_at_7));
  EXPECT_EQ(main_of(suite, {"--benchmark_list_tests", "--benchmark_filter=process/wait"}), 0);
  EXPECT_EQ(printed, "squares/sequential/map/workers:1\nsquares/process/wait/workers:2\n");
}

TEST_F(SuiteRun, ListsAsJsonWithWhatADriverMustKnow) {
  Suite suite;
  suite.add(squares(throw_at_7));
  ASSERT_EQ(main_of(suite, {"--benchmark_list_tests", "--benchmark_format=json", "--patterns=map",
                            "--executors=thread", "--pool=cold"}),
            0);
  const json listing = json::parse(printed);
  EXPECT_EQ(listing["schema_version"], 1);
  EXPECT_EQ(listing["cells"],
            json({"squares/sequential/map/workers:1", "squares/thread/map/workers:2"}));
  EXPECT_EQ(listing["context"]["pool"], "cold");
  EXPECT_GE(listing["context"]["usable_cpus"], 1);
}

TEST_F(SuiteRun, EndsWithStatus2AndOneSentenceForBadInput) {
  Suite suite;
  suite.add(squares(throw_at_7));
  const std::string nowhere = (folder / "no" / "out.json").string();
  for (const auto& [argument, value] :
       std::vector<std::pair<std::string, std::string>>{{"--workloads=cubes", "'cubes'"},
                                                        {"--executors=fiber", "'fiber'"},
                                                        {"--patterns=race", "'race'"},
                                                        {"--workers=0", "'0'"},
                                                        {"--benchmark_filter=cubes", "'cubes'"},
                                                        {"--benchmark_out=" + nowhere, nowhere},
                                                        {"--trace=" + nowhere, nowhere},
                                                        {"--unknown", "'--unknown'"}}) {
    EXPECT_EQ(main_of(suite, {argument}), 2) << argument;
    EXPECT_THAT(said, AllOf(testing::StartsWith("program: "), HasSubstr(value)));
    EXPECT_EQ(std::count(said.begin(), said.end(), '\n'), 1) << said;
    EXPECT_EQ(printed, "");
  }
}

TEST_F(SuiteRun, RefusesOneFileForTheResultsAndTheTrace) {
  Suite suite;
  suite.add(squares(throw_at_7));
  const std::string file = (folder / "out.json").string();
  EXPECT_EQ(main_of(suite, {"--trace=" + file, "--benchmark_out=" + file}), 2);
  EXPECT_THAT(said, AllOf(HasSubstr("--trace: '" + file), HasSubstr("a file of its own")));
  EXPECT_EQ(folder.count_files(), 0U);
}

TEST_F(SuiteRun, WritesATraceOfItsOptionsToo) {
  Suite suite;
  suite.add(squares());
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  EXPECT_EQ(suite.run({.repetitions = 1, .trace = (folder / "trace.json").string()}), 0);
  EXPECT_THAT(testing::internal::GetCapturedStderr(), HasSubstr("trace.json: open it at"));
  testing::internal::GetCapturedStdout();
  EXPECT_EQ(detail::json_of(folder / "trace.json")["otherData"]["cells"].size(), kCells);
}

TEST(Suite, ChecksOptionsThatNoCommandLineHasRead) {
  Suite suite;
  suite.add(squares(throw_at_7));
  for (const Options& bad :
       {Options{.workers = {0}}, Options{.workers = {1025}}, Options{.repetitions = 0},
        Options{.min_time_s = -1}, Options{.min_warmup_time_s = std::nan("")},
        Options{.time_unit = "days"}, Options{.executors = {"fiber"}}, Options{.batches = -1},
        Options{.min_time_s = 0.1, .batches = 3}}) {
    EXPECT_THROW(suite.run(bad), UsageError);
  }
}

TEST_F(SuiteRun, AnswersHelp) {
  Suite suite;
  suite.add(squares());
  EXPECT_EQ(main_of(suite, {"--help"}), 0);
  EXPECT_THAT(printed, AllOf(HasSubstr("squares"), HasSubstr("sequential, thread, process")));
}

TEST(Suite, RefusesNamesThatAreTakenOrUnfit) {
  const auto make = [](int) { return std::make_unique<OwnPool>(); };
  EXPECT_THROW(Suite{executor_under_test("thread", make)}, std::invalid_argument);
  EXPECT_THROW(Suite{executor_under_test("my pool", make)}, std::invalid_argument);
  Suite suite;
  suite.add(squares());
  EXPECT_THROW(suite.add(squares()), std::invalid_argument);
}

}  // namespace
}  // namespace poolmark::harness
