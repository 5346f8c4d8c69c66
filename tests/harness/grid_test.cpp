#include "harness/grid.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fake_suite.hpp"
#include "poolmark/executor.hpp"
#include "poolmark/harness/workload.hpp"

namespace poolmark::harness::detail {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

std::vector<std::string> names(Matrix& matrix, const Options& options) {
  std::vector<std::string> result;
  for (const Cell& cell : choose_cells(matrix, options)) result.push_back(cell.name());
  return result;
}

std::string refusal(Matrix& matrix, const Options& options) {
  try {
    choose_cells(matrix, options);
  } catch (const UsageError& error) {
    return error.what();
  }
  return "accepted";
}

TEST(Grid, HoldsEveryPointOfTheMatrix) {
  FakeSuite suite;
  EXPECT_THAT(names(suite.matrix, {}),
              ElementsAre("work/sequential/map/workers:1", "work/thread/map/workers:1",
                          "work/thread/map/workers:2", "work/thread/as_completed/workers:1",
                          "work/thread/as_completed/workers:2", "work/thread/wait/workers:1",
                          "work/thread/wait/workers:2"));
}

TEST(Grid, MeasuresTheSequentialExecutorInEveryWayWhenItIsNamed) {
  FakeSuite suite;
  EXPECT_THAT(names(suite.matrix, {.executors = {"sequential"}}),
              ElementsAre("work/sequential/map/workers:1", "work/sequential/as_completed/workers:1",
                          "work/sequential/wait/workers:1"));
}

TEST(Grid, AddsTheBaselineOfAWorkloadThatIsMeasured) {
  FakeSuite suite;
  const Options options = {.executors = {"thread"}, .patterns = {Pattern::Wait}, .workers = {5}};
  EXPECT_THAT(names(suite.matrix, options),
              ElementsAre("work/sequential/map/workers:1", "work/thread/wait/workers:5"));
}

TEST(Grid, AddsTheBaselineAlsoWhenAFilterIsGiven) {
  FakeSuite suite;
  EXPECT_THAT(names(suite.matrix, {.filter = "thread/map/workers:2$"}),
              ElementsAre("work/sequential/map/workers:1", "work/thread/map/workers:2"));
}

TEST(Grid, HasNoBaselineWhenNoneIsWanted) {
  FakeSuite suite;
  EXPECT_THAT(names(suite.matrix, {.patterns = {Pattern::Map}, .baseline = false}),
              ElementsAre("work/thread/map/workers:1", "work/thread/map/workers:2"));
}

TEST(Grid, MeasuresARepeatedWorkerCountOnce) {
  FakeSuite suite;
  const Options options = {.executors = {"thread"}, .patterns = {Pattern::Map}, .workers = {3, 3}};
  EXPECT_THAT(names(suite.matrix, options),
              ElementsAre("work/sequential/map/workers:1", "work/thread/map/workers:3"));
}

TEST(Grid, HasACellOfEachPoolsMapForEachChunkSize) {
  FakeSuite suite;
  const Options options = {.workers = {2}, .chunksizes = {1, 16, std::nullopt, 16}};
  EXPECT_THAT(names(suite.matrix, options),
              ElementsAre("work/sequential/map/workers:1", "work/thread/map/workers:2/chunksize:1",
                          "work/thread/map/workers:2/chunksize:16", "work/thread/map/workers:2",
                          "work/thread/as_completed/workers:2", "work/thread/wait/workers:2"));
}

TEST(Grid, LeavesOutTheChunkSizeByTimeWhenOthersAreNamed) {
  FakeSuite suite;
  const Options options = {
      .patterns = {Pattern::Map}, .workers = {2}, .baseline = false, .chunksizes = {4}};
  EXPECT_THAT(names(suite.matrix, options), ElementsAre("work/thread/map/workers:2/chunksize:4"));
  EXPECT_EQ(choose_cells(suite.matrix, options)[0].chunksize, 4);
}

TEST(Grid, RefusesChunkSizesWhereThereAreNoChunks) {
  FakeSuite suite;
  EXPECT_THAT(refusal(suite.matrix, {.patterns = {Pattern::Wait}, .chunksizes = {4}}),
              testing::AllOf(HasSubstr("--chunksize"), HasSubstr("add map to --patterns")));
  EXPECT_THAT(refusal(suite.matrix, {.executors = {"sequential"}, .chunksizes = {4}}),
              testing::AllOf(HasSubstr("--chunksize"), HasSubstr("--executors")));
}

TEST(Grid, HasEveryPoolWarmAndColdWhenBothAreWanted) {
  FakeSuite suite;
  const Options options = {.patterns = {Pattern::Map, Pattern::Wait},
                           .workers = {2},
                           .pool = PoolMode::Both,
                           .chunksizes = {4}};
  EXPECT_THAT(names(suite.matrix, options),
              ElementsAre("work/sequential/map/workers:1", "work/thread/map/workers:2/chunksize:4",
                          "work/thread/map/workers:2/chunksize:4/cold",
                          "work/thread/wait/workers:2", "work/thread/wait/workers:2/cold"));
  std::vector<PoolMode> pools;
  for (const Cell& cell : choose_cells(suite.matrix, options)) pools.push_back(cell.pool);
  EXPECT_THAT(pools, ElementsAre(PoolMode::Warm, PoolMode::Warm, PoolMode::Cold, PoolMode::Warm,
                                 PoolMode::Cold));
}

TEST(Grid, NamesWarmAloneAndColdAloneAlike) {
  FakeSuite suite;
  for (const PoolMode mode : {PoolMode::Warm, PoolMode::Cold}) {
    const Options options = {.patterns = {Pattern::Wait}, .workers = {2}, .pool = mode};
    EXPECT_THAT(names(suite.matrix, options),
                ElementsAre("work/sequential/map/workers:1", "work/thread/wait/workers:2"));
    for (const Cell& cell : choose_cells(suite.matrix, options)) EXPECT_EQ(cell.pool, mode);
  }
}

TEST(Grid, FindsVariantsByTheirNames) {
  FakeSuite suite;
  Options options = {.baseline = false, .pool = PoolMode::Both, .chunksizes = {1, 4}};
  for (const char* name : {"work/thread/map/workers:2/chunksize:4/cold",
                           "work/thread/map/workers:2/chunksize:4", "work/thread/wait/workers:2"}) {
    options.filter = '^' + std::string(name) + '$';
    EXPECT_THAT(names(suite.matrix, options), ElementsAre(name));
  }
}

TEST(Grid, NamesWhatIsUnknownAndWhatIsAllowed) {
  FakeSuite suite;
  EXPECT_THAT(refusal(suite.matrix, {.workloads = {"wrk"}}),
              testing::AllOf(HasSubstr("--workloads"), HasSubstr("'wrk'"), HasSubstr("work")));
  EXPECT_THAT(refusal(suite.matrix, {.executors = {"fiber"}}),
              testing::AllOf(HasSubstr("--executors"), HasSubstr("'fiber'"),
                             HasSubstr("sequential, thread")));
}

TEST(Grid, RefusesAChoiceThatLeavesNothing) {
  FakeSuite suite;
  EXPECT_THAT(refusal(suite.matrix, {.filter = "nothing"}),
              testing::AllOf(HasSubstr("'nothing'"), HasSubstr("matches no cell")));
  EXPECT_THAT(refusal(suite.matrix,
                      {.executors = {"sequential"}, .patterns = {Pattern::Map}, .baseline = false}),
              HasSubstr("--no-baseline"));
}

TEST(NameFilter, SearchesLikeGoogleBenchmark) {
  EXPECT_TRUE(NameFilter("").chooses("any"));
  EXPECT_TRUE(NameFilter("all").chooses("any"));
  EXPECT_TRUE(NameFilter("b+c").chooses("abbcd"));
  EXPECT_FALSE(NameFilter("^b").chooses("abc"));
  EXPECT_TRUE(NameFilter("map|wait").chooses("x/wait"));
}

TEST(NameFilter, ExcludesWithALeadingMinus) {
  EXPECT_FALSE(NameFilter("-thread").chooses("work/thread/map"));
  EXPECT_TRUE(NameFilter("-thread").chooses("work/process/map"));
  EXPECT_FALSE(NameFilter("-").chooses("any"));
}

TEST(NameFilter, RefusesWhatIsNoRegularExpression) {
  EXPECT_THROW(NameFilter("(a"), UsageError);
  EXPECT_THROW(NameFilter("-(a"), UsageError);
}

TEST(WorkerCounts, ArePowersOfTwoUpToTheMost) {
  EXPECT_THAT(powers_of_two_up_to(32), ElementsAre(1, 2, 4, 8, 16, 32));
  EXPECT_THAT(powers_of_two_up_to(6), ElementsAre(1, 2, 4));
}

TEST(WorkerCounts, ForCpuWorkEndWithAllCpusAndTwiceAsMany) {
  const std::vector<int> counts = worker_counts_for_cpu_work();
  const int cpus = usable_cpus();
  EXPECT_THAT(counts, testing::Contains(cpus));
  EXPECT_EQ(counts.back(), 2 * cpus);
  EXPECT_TRUE(std::is_sorted(counts.begin(), counts.end()));
  EXPECT_EQ(std::adjacent_find(counts.begin(), counts.end()), counts.end());
}

TEST(CheckWorkload, RefusesWhatCannotBeMeasured) {
  FakeSuite suite;
  const auto refused = [&](const std::string& name, bool inputs, bool task, bool check,
                           const std::vector<int>& workers) -> std::string {
    try {
      check_workload(suite.matrix, name, inputs, task, check, workers);
    } catch (const std::invalid_argument& error) {
      return error.what();
    }
    return "accepted";
  };
  EXPECT_EQ(refused("new", true, true, true, {1, 1024}), "accepted");
  EXPECT_THAT(refused("work", true, true, true, {1}), HasSubstr("already"));
  EXPECT_THAT(refused("a/b", true, true, true, {1}), HasSubstr("small letters"));
  EXPECT_THAT(refused("", true, true, true, {1}), HasSubstr("small letters"));
  EXPECT_THAT(refused("new", false, true, true, {1}), HasSubstr("no inputs"));
  EXPECT_THAT(refused("new", true, false, true, {1}), HasSubstr("no task"));
  EXPECT_THAT(refused("new", true, true, false, {1}), HasSubstr("no check"));
  EXPECT_THAT(refused("new", true, true, true, {0}), HasSubstr("0 workers"));
  EXPECT_THAT(refused("new", true, true, true, {1025}), HasSubstr("1025 workers"));
}

}  // namespace
}  // namespace poolmark::harness::detail
