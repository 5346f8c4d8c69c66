#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <stdexcept>

#include "harness/kept_batches.hpp"
#include "runner_run.hpp"

// What a run measures, and what it tells of it.
namespace poolmark::harness::detail {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;

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
  options.min_time_s = 1e-4;
  options.min_warmup_time_s = 1e-9;  // one try at least, however slow the machine is
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
