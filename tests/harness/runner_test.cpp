#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>
#include <stdexcept>

#include "fake_suite.hpp"
#include "harness/kept_batches.hpp"
#include "poolmark/errors.hpp"
#include "poolmark/harness/workload.hpp"

// Whole runs over fake cells: what goes to the results file, and the exit status.
namespace poolmark::harness::detail {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr const char* kBaseline = "work/sequential/map/workers:1";
constexpr const char* kPool = "work/thread/map/workers:2";

class Runner : public testing::Test {
 protected:
  FakeSuite suite;
  Options options = FakeSuite::two_cells();
  TemporaryFolder folder;
  std::string console;  // what went to standard output
  std::string said;     // what went to standard error

  int run() {
    options.out = (folder / "out.json").string();
    testing::internal::CaptureStdout();
    testing::internal::CaptureStderr();
    const int status = run_suite(suite.matrix, options, "program");
    said = testing::internal::GetCapturedStderr();
    console = testing::internal::GetCapturedStdout();
    return status;
  }

  json report() const { return json_of(folder / "out.json"); }

  /// The repetition indices of a cell in "benchmarks" or "failures".
  std::vector<int> repetitions(const char* list, const std::string& cell) const {
    std::vector<int> found;
    const json file = report();
    for (const json& entry : file[list]) {
      if (entry["name"] == cell) found.push_back(entry["repetition_index"]);
    }
    return found;
  }
};

TEST_F(Runner, MeasuresEveryRepetitionOfEveryCell) {
  suite.sequential->times = {3, 4};
  EXPECT_EQ(run(), 0);
  EXPECT_THAT(repetitions("benchmarks", kBaseline), ElementsAre(0, 1, 2));
  EXPECT_THAT(repetitions("benchmarks", kPool), ElementsAre(0, 1, 2));
  EXPECT_TRUE(report()["failures"].empty());
  EXPECT_EQ(report()["partial"], false);
  EXPECT_EQ(report()["tasks"]["work"], json({3, 4}));
}

TEST_F(Runner, PrintsALineForEachCellUnderItsExactName) {
  run();
  EXPECT_THAT(console, HasSubstr(std::string(kPool) + " "));
  EXPECT_THAT(console, testing::Not(HasSubstr("manual_time")));
  EXPECT_THAT(said, testing::Not(HasSubstr("DEBUG")));
}

TEST_F(Runner, PrintsAggregatesOrEveryRepetitionWhenAsked) {
  options.detail = ConsoleDetail::Aggregates;
  EXPECT_EQ(run(), 0);
  EXPECT_THAT(console, testing::AllOf(HasSubstr(std::string(kPool) + "_mean"),
                                      HasSubstr(std::string(kPool) + "_cv"),
                                      testing::Not(HasSubstr(std::string(kPool) + " "))));
  options.detail = ConsoleDetail::Everything;
  EXPECT_EQ(run(), 0);
  EXPECT_THAT(console, testing::AllOf(HasSubstr(std::string(kPool) + " "),
                                      HasSubstr(std::string(kPool) + "_median")));
}

TEST_F(Runner, PrintsTheReportForJson) {
  options.format = OutputFormat::Json;
  EXPECT_EQ(run(), 0);
  EXPECT_EQ(json::parse(console)["benchmarks"].size(), 6U);
}

TEST_F(Runner, PrintsCsvAlsoWhenCellsFail) {
  options.format = OutputFormat::Csv;
  options.interleave = false;  // so that the failed cell comes first
  suite.sequential->on_batch = [] { throw std::runtime_error("first"); };
  EXPECT_EQ(run(), 1);
  EXPECT_THAT(console, HasSubstr('"' + std::string(kPool) + "\",1,"));
}

TEST_F(Runner, WarmPoolsAreReadyBeforeTheTimingAndClosedAfter) {
  options.repetitions = 1;
  options.baseline = false;
  EXPECT_EQ(run(), 0);
  EXPECT_THAT(suite.log.events, ElementsAre("make 2", "warm 2", "batch", "check", "close"));
}

TEST_F(Runner, ColdPoolsAreMadeForEachBatch) {
  options.repetitions = 2;
  options.baseline = false;
  options.pool = PoolMode::Cold;
  EXPECT_EQ(run(), 0);
  EXPECT_THAT(suite.log.events, ElementsAre("make 2", "batch", "close", "check",  //
                                            "make 2", "batch", "close", "check"));
}

TEST_F(Runner, ColdTimesHoldMakingAndClosingThePool) {
  const auto spin = [] {
    const auto end = Clock::now() + std::chrono::milliseconds(5);
    while (Clock::now() < end) {
    }
  };
  suite.thread->on_make = spin;
  suite.thread->on_close = spin;
  suite.thread->on_view = [](Clock::time_point start) {
    // Asked after the batch: the pool had been made, and closed.
    const double ns = std::chrono::duration<double, std::nano>(Clock::now() - start).count();
    return BatchView{.submit = 0, .completions = {ns}, .latencies = {}};
  };
  options.pool = PoolMode::Cold;
  options.repetitions = 1;
  options.baseline = false;
  EXPECT_EQ(run(), 0);
  const json file = report();
  EXPECT_GE(file["benchmarks"][0]["real_time"], 10e6);
  EXPECT_GE(file["benchmarks"][0]["first_result_ns"], 10e6) << "counted from the same start";
}

TEST_F(Runner, MeasuresEachCellAsItsNameSays) {
  options.repetitions = 1;
  options.interleave = false;
  options.pool = PoolMode::Both;
  options.chunksizes = {4};
  EXPECT_EQ(run(), 0);
  ASSERT_EQ(suite.sequential->plans.size(), 1U);
  EXPECT_EQ(suite.sequential->plans[0].chunksize, std::nullopt);
  EXPECT_TRUE(suite.sequential->plans[0].time_each_task);
  ASSERT_EQ(suite.thread->plans.size(), 2U);
  for (const BatchPlan& plan : suite.thread->plans) {
    EXPECT_EQ(plan.pattern, Pattern::Map);
    EXPECT_EQ(plan.chunksize, 4);
    EXPECT_FALSE(plan.time_each_task);
  }
  EXPECT_THAT(suite.log.events,
              ElementsAre("make 1", "warm 1", "batch", "check", "close",  // the baseline
                          "make 2", "warm 2", "batch", "check", "close",  // warm
                          "make 2", "batch", "close", "check"));          // cold
  EXPECT_THAT(said, HasSubstr("warm and cold pools"));
}

TEST_F(Runner, TellsWhatTheCallerSaw) {
  suite.thread->view = {.submit = 5, .completions = {20, 30}, .latencies = {19, 18}};
  EXPECT_EQ(run(), 0);
  const json file = report();
  for (const json& entry : file["benchmarks"]) {
    if (entry["name"] != kPool) continue;
    EXPECT_EQ(entry["submit_ns"], 5);
    EXPECT_EQ(entry["first_result_ns"], 20);
  }
  EXPECT_EQ(file["completions"][kPool], json({{"k", {1, 2}}, {"ns", {20, 30}}}));
  EXPECT_EQ(
      file["latencies"][kPool],
      json({{"count", 6}, {"quantiles", {1}}, {"ns", {19}}, {"each", {18, 18, 18, 19, 19, 19}}}));
}

TEST_F(Runner, DoesNotTellWhatTheCallerSawOfTriesThatDoNotCount) {
  options.min_warmup_time_s = 1e-9;  // reached by the first try, however long that takes
  options.repetitions = 1;
  EXPECT_EQ(run(), 0);
  const json file = report();
  std::size_t counted = 0;
  for (const json& entry : file["benchmarks"]) {
    if (entry["name"] == kPool) counted += entry["iterations"].get<std::size_t>();
  }
  EXPECT_LT(counted, suite.thread->plans.size()) << "there was a try";
  if (counted <= KeptBatches::kMost) {
    EXPECT_EQ(file["latencies"][kPool]["count"], 2 * counted);
  }
}

TEST_F(Runner, MeasuresAsManyBatchesARepetitionAsItIsTold) {
  options.batches = 3;
  options.repetitions = 2;
  EXPECT_EQ(run(), 0);
  const json file = report();
  for (const json& entry : file["benchmarks"]) {
    EXPECT_EQ(entry["iterations"], 3);
    EXPECT_LE(entry["median_batch_ns"], 3 * entry["real_time"].get<double>()) << "of a batch";
    EXPECT_GT(entry["median_batch_ns"], 0);
  }
  EXPECT_THAT(repetitions("benchmarks", kPool), ElementsAre(0, 1)) << "its name is the cell's";
  EXPECT_EQ(suite.thread->plans.size(), 6U);
}

TEST_F(Runner, NeverHoldsTwoPools) {
  options = Options();
  options.repetitions = 4;
  EXPECT_EQ(run(), 0);
  EXPECT_EQ(suite.log.most_open_pools, 1);
  EXPECT_EQ(suite.log.open_pools, 0);
}

TEST_F(Runner, PutsACellThatThrowsAmongTheFailures) {
  suite.thread->on_batch = [] { throw std::runtime_error("the disk is on fire"); };
  EXPECT_EQ(run(), 1);
  EXPECT_THAT(repetitions("benchmarks", kPool), ElementsAre());
  EXPECT_THAT(repetitions("failures", kPool), ElementsAre(0, 1, 2));
  EXPECT_THAT(repetitions("benchmarks", kBaseline), ElementsAre(0, 1, 2));
  EXPECT_EQ(report()["failures"][0]["message"], "the disk is on fire");
  EXPECT_THAT(said, HasSubstr("the disk is on fire"));
  EXPECT_THAT(suite.log.events, testing::Contains("cancel"));
}

TEST_F(Runner, SurvivesWhatIsNoException) {
  suite.thread->on_batch = [] { throw 42; };
  EXPECT_EQ(run(), 1);
  EXPECT_THAT(report()["failures"][0]["message"], HasSubstr("no std::exception"));
}

TEST_F(Runner, PutsAWrongResultAmongTheFailures) {
  suite.thread->on_check = [] { throw WrongResult("work", 1, 3, 4); };
  EXPECT_EQ(run(), 1);
  EXPECT_THAT(repetitions("benchmarks", kPool), ElementsAre());
  EXPECT_EQ(report()["failures"][0]["message"], "wrong result of work, task 1: got 3, expected 4");
}

TEST_F(Runner, KeepsTheRepetitionsThatSucceeded) {
  int batches = 0;
  suite.thread->on_batch = [&] {
    if (++batches == 2) throw std::runtime_error("once");
  };
  EXPECT_EQ(run(), 1);
  EXPECT_THAT(repetitions("benchmarks", kPool), ElementsAre(0, 2));
  EXPECT_THAT(repetitions("failures", kPool), ElementsAre(1));
}

TEST_F(Runner, SurvivesAFailureOfTheFirstRepetitionAlone) {
  // Google Benchmark 1.7.1 would crash if it knew.
  int batches = 0;
  suite.thread->on_batch = [&] {
    if (++batches == 1) throw std::runtime_error("first");
  };
  EXPECT_EQ(run(), 1);
  EXPECT_THAT(repetitions("benchmarks", kPool), ElementsAre(1, 2));
  EXPECT_THAT(repetitions("failures", kPool), ElementsAre(0));
  EXPECT_THAT(console, HasSubstr("first (1 of 3 repetitions failed)"));
}

TEST_F(Runner, SurvivesFailuresAmidManyIterations) {
  // Google Benchmark 1.7.1 aborts when the repetitions of a cell disagree about iterations.
  options.min_time_s = 1e-4;
  int batches = 0;
  suite.thread->on_batch = [&] {
    // Ten repetitions are ten batches at least, however slow this machine is.
    if (++batches % 7 == 0) throw std::runtime_error("now and then");
  };
  suite.thread->on_make = [&] {
    if (batches > 100 && batches % 2 == 0) throw std::runtime_error("no pool");
  };
  options.repetitions = 10;
  EXPECT_EQ(run(), 1);
  EXPECT_EQ(repetitions("benchmarks", kPool).size() + repetitions("failures", kPool).size(), 10U);
}

TEST_F(Runner, CountsOnlyTheTriesThatWereLongEnough) {
  options.min_time_s = 1e-4;
  EXPECT_EQ(run(), 0);
  EXPECT_THAT(repetitions("benchmarks", kPool), ElementsAre(0, 1, 2));
  const json file = report();
  for (const json& entry : file["benchmarks"]) {
    if (entry["repetition_index"] != 0) continue;  // the later ones repeat what the first took
    const double lasted_ns = entry["iterations"].get<double>() * entry["real_time"].get<double>();
    EXPECT_GE(lasted_ns, options.min_time_s * 1e9);
  }
}

TEST_F(Runner, DoesNotCountTheWarmUp) {
  options.min_warmup_time_s = 1e-5;
  EXPECT_EQ(run(), 0);
  EXPECT_THAT(repetitions("benchmarks", kPool), ElementsAre(0, 1, 2));
  const auto batches = std::count(suite.log.events.begin(), suite.log.events.end(), "batch");
  EXPECT_GT(batches, 6);
}

TEST_F(Runner, FailsACellWhosePoolCannotBeMade) {
  suite.thread->on_make = [] { throw Error("no more processes"); };
  EXPECT_EQ(run(), 1);
  EXPECT_THAT(repetitions("failures", kPool), ElementsAre(0, 1, 2));
  EXPECT_EQ(suite.log.open_pools, 0);
}

TEST_F(Runner, FailsACellWhosePoolCannotBeClosed) {
  suite.thread->on_close = [] { throw Error("a worker hangs"); };
  EXPECT_EQ(run(), 1);
  EXPECT_THAT(repetitions("failures", kPool), ElementsAre(0, 1, 2));
  EXPECT_THAT(repetitions("benchmarks", kPool), ElementsAre());
}

TEST_F(Runner, FailsEveryCellOfAWorkloadThatFailsItsSelfCheck) {
  suite.matrix.workloads[0].self_check = [] { throw WrongResult("a closed form slipped in"); };
  EXPECT_EQ(run(), 1);
  EXPECT_THAT(repetitions("failures", kBaseline), ElementsAre(0, 1, 2));
  EXPECT_THAT(repetitions("failures", kPool), ElementsAre(0, 1, 2));
  EXPECT_EQ(report()["failures"][0]["message"], "a closed form slipped in");
  EXPECT_THAT(suite.log.events, testing::IsEmpty());
}

TEST_F(Runner, LeavesOutTheSelfChecksWhenAsked) {
  suite.matrix.workloads[0].self_check = [] { throw WrongResult("a closed form slipped in"); };
  options.self_check = false;
  EXPECT_EQ(run(), 0);
  EXPECT_THAT(repetitions("benchmarks", kPool), ElementsAre(0, 1, 2));
}

class InterruptedRunner : public Runner, public testing::WithParamInterface<int> {};

TEST_P(InterruptedRunner, WritesWhatWasMeasured) {
  int batches = 0;
  const auto on_batch = [&] {
    if (++batches == 3) ::raise(GetParam());
  };
  suite.thread->on_batch = on_batch;
  suite.sequential->on_batch = on_batch;
  EXPECT_EQ(run(), 130);
  EXPECT_EQ(report()["partial"], true);
  EXPECT_EQ(report()["benchmarks"].size(), 3U) << "the batch at hand is finished";
  EXPECT_TRUE(report()["failures"].empty()) << "what was not measured has not failed";
  EXPECT_EQ(batches, 3);
  EXPECT_EQ(suite.log.open_pools, 0);
  EXPECT_THAT(said, HasSubstr("Interrupted: 3 repetitions"));
}

INSTANTIATE_TEST_SUITE_P(Signals, InterruptedRunner, testing::Values(SIGINT, SIGTERM),
                         [](const auto& test) {
                           return std::string(test.param == SIGINT ? "SIGINT" : "SIGTERM");
                         });

TEST_F(Runner, GivesUpABatchThatNoticesTheInterrupt) {
  suite.thread->on_batch = [] {
    ::raise(SIGINT);
    throw Interrupted();
  };
  options.baseline = false;
  EXPECT_EQ(run(), 130);
  EXPECT_TRUE(report()["benchmarks"].empty());
  EXPECT_TRUE(report()["failures"].empty());
}

TEST_F(Runner, EndsAtOnceOnASecondInterrupt) {
  suite.thread->on_batch = [] {
    ::raise(SIGINT);
    ::raise(SIGINT);
  };
  options.baseline = false;
  EXPECT_EXIT(run_suite(suite.matrix, options, "program"), testing::ExitedWithCode(130), "");
}

TEST_F(Runner, CanBeInterruptedAgainInALaterRun) {
  suite.thread->on_batch = [] { ::raise(SIGINT); };
  EXPECT_EQ(run(), 130);
  suite.thread->on_batch = [] {};
  EXPECT_EQ(run(), 0);
}

TEST_F(Runner, TellsItsProgressLineByLine) {
  int batches = 0;
  suite.thread->on_batch = [&] {
    if (++batches == 1) throw std::runtime_error("first");
  };
  const std::string file = (folder / "progress").string();
  const int fd = ::open(file.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  options.progress_fd = fd;
  options.interleave = false;
  EXPECT_EQ(run(), 1);
  ::close(fd);

  std::vector<json> events;
  std::ifstream lines(file);
  for (std::string line; std::getline(lines, line);) events.push_back(json::parse(line));
  ASSERT_EQ(events.size(), 7U);
  EXPECT_EQ(events[0],
            json({{"event", "plan"}, {"cells", {kBaseline, kPool}}, {"repetitions", 3}}));
  EXPECT_EQ(events[1]["event"], "sample");
  EXPECT_EQ(events[1]["name"], kBaseline);
  EXPECT_EQ(events[1]["repetition_index"], 0);
  EXPECT_GT(events[1]["real_time"], 0);
  EXPECT_EQ(
      events[4],
      json({{"event", "failure"}, {"name", kPool}, {"repetition_index", 0}, {"message", "first"}}));
  EXPECT_EQ(events[6]["repetition_index"], 2);
}

TEST_F(Runner, GoesOnWhenNobodyReadsTheProgressAnyMore) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  ::close(ends[0]);
  options.progress_fd = ends[1];
  EXPECT_EQ(run(), 0);
  ::close(ends[1]);
  EXPECT_THAT(repetitions("benchmarks", kPool), ElementsAre(0, 1, 2));
}

TEST_F(Runner, RefusesADescriptorThatIsNotOpen) {
  options.progress_fd = 1000;
  EXPECT_THROW(run_suite(suite.matrix, options, "program"), UsageError);
  EXPECT_THAT(suite.log.events, testing::IsEmpty());
}

}  // namespace
}  // namespace poolmark::harness::detail
