#include "harness/json_report.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fake_suite.hpp"

namespace poolmark::harness::detail {
namespace {

using nlohmann::json;
using testing::ElementsAre;

Attempt one_batch(double real_ns) {
  Attempt attempt;
  attempt.sums.real_ns = real_ns;
  attempt.sums.cpu_ns = 5;
  attempt.sums.first_result_ns = 7;
  attempt.sums.cpu_total_ns = 9;
  attempt.sums.submit_ns = 6;
  return attempt;
}

/// A run of work/sequential/map/workers:1 (cell 0) and work/thread/map/workers:2 (cell 1).
struct FakeRun {
  FakeSuite suite;
  Options options = FakeSuite::two_cells();
  std::vector<Cell> cells = choose_cells(suite.matrix, options);
  std::vector<std::size_t> tasks = {4, 4};
  Recorder recorder{2, 0, 0, {}};
  bool partial = false;

  json report() const {
    return json::parse(json_report({options, cells, tasks, recorder, "bin/program", partial}));
  }
};

TEST(JsonReport, HasAnEntryForEachRepetition) {
  FakeRun run;
  run.recorder.add(1, one_batch(200));
  run.recorder.add(0, one_batch(300));
  run.recorder.add(1, one_batch(100));
  const json report = run.report();
  ASSERT_EQ(report["benchmarks"].size(), 3U);
  EXPECT_EQ(report["schema_version"], 1);

  const json& entry = report["benchmarks"][2];
  EXPECT_EQ(entry["name"], "work/thread/map/workers:2");
  EXPECT_EQ(entry["run_name"], entry["name"]);
  EXPECT_EQ(entry["run_type"], "iteration");
  EXPECT_EQ(entry["repetitions"], 3);
  EXPECT_EQ(entry["repetition_index"], 1);
  EXPECT_EQ(entry["family_index"], 1);
  EXPECT_EQ(entry["threads"], 1);
  EXPECT_EQ(entry["iterations"], 1);
  EXPECT_EQ(entry["time_unit"], "ns");
  EXPECT_EQ(entry["real_time"], 100);
  EXPECT_EQ(entry["cpu_time"], 5);
  EXPECT_EQ(entry["first_result_ns"], 7);
  EXPECT_EQ(entry["cpu_time_total_ns"], 9);
  EXPECT_EQ(entry["submit_ns"], 6);
  EXPECT_EQ(entry["pool"], "warm");
  EXPECT_FALSE(entry.contains("chunksize"));
  EXPECT_EQ(entry["workload"], "work");
  EXPECT_EQ(entry["executor"], "thread");
  EXPECT_EQ(entry["pattern"], "map");
  EXPECT_EQ(entry["workers"], 2);
  EXPECT_EQ(entry["tasks"], 4);
  EXPECT_EQ(entry["tasks_per_second"], 4e7);
}

TEST(JsonReport, HasWhatOnlySomeBatchesAreKnownBy) {
  FakeRun run;
  run.recorder.add(0, one_batch(300));
  Attempt attempt = one_batch(300);
  attempt.iterations = 3;
  attempt.batch_ns = {200, 20, 80};
  attempt.sums.traffic = {.sent_bytes = 120, .received_bytes = 0};
  run.recorder.add(1, attempt);
  const json entries = run.report()["benchmarks"];
  EXPECT_EQ(entries[1]["real_time"], 100);
  EXPECT_EQ(entries[1]["median_batch_ns"], 80);
  EXPECT_EQ(entries[1]["sent_bytes"], 40) << "of one batch";
  EXPECT_EQ(entries[1]["received_bytes"], 0);
  for (const char* field : {"median_batch_ns", "sent_bytes", "received_bytes"}) {
    EXPECT_FALSE(entries[0].contains(field)) << field;
  }
}

TEST(JsonReport, SaysHowManyBatchesWereAskedFor) {
  FakeRun run;
  run.recorder.add(1, one_batch(300));
  EXPECT_FALSE(run.report()["context"].contains("batches"));
  run.options.batches = 7;
  EXPECT_EQ(run.report()["context"]["batches"], 7);
}

TEST(JsonReport, ComparesWithTheMedianOfTheBaseline) {
  FakeRun run;
  for (const double ns : {300, 900, 400}) run.recorder.add(0, one_batch(ns));
  run.recorder.add(1, one_batch(250));
  const json report = run.report();
  const json& entry = report["benchmarks"].back();
  EXPECT_DOUBLE_EQ(entry["speedup"], 1.6);
  EXPECT_DOUBLE_EQ(entry["efficiency"], 0.8);
}

TEST(JsonReport, HasNoSpeedupWithoutABaseline) {
  FakeRun run;
  run.recorder.add(1, one_batch(250));
  const json report = run.report();
  const json& entry = report["benchmarks"].back();
  EXPECT_FALSE(entry.contains("speedup"));
  EXPECT_FALSE(entry.contains("efficiency"));
  EXPECT_TRUE(report["tasks"].empty());
}

TEST(JsonReport, LeavesOutWhatIsNotFinite) {
  FakeRun run;
  run.recorder.add(0, one_batch(100));
  run.recorder.add(1, one_batch(0));  // tasks per 0 seconds
  const json report = run.report();
  const json& entry = report["benchmarks"].back();
  EXPECT_EQ(entry["real_time"], 0);
  EXPECT_FALSE(entry.contains("tasks_per_second"));
  EXPECT_FALSE(entry.contains("speedup"));
}

TEST(JsonReport, KeepsFailuresOutOfTheMeasurements) {
  FakeRun run;
  run.recorder.add_failure(1, one_batch(100), "said \"no\"\n\x01 \xff in\tbytes");
  const json report = run.report();
  EXPECT_TRUE(report["benchmarks"].empty());
  ASSERT_EQ(report["failures"].size(), 1U);
  const json& failure = report["failures"][0];
  EXPECT_EQ(failure["name"], "work/thread/map/workers:2");
  EXPECT_EQ(failure["repetition_index"], 0);
  EXPECT_EQ(failure["message"], "said \"no\"\n\x01 \xEF\xBF\xBD in\tbytes");
}

TEST(JsonReport, HasMediansOfTheBaselinesTasks) {
  FakeRun run;
  Attempt batch = one_batch(300);
  batch.task_times = {{1.5, 2, 3, 4}};
  run.recorder.add(0, batch);
  EXPECT_THAT(run.report()["tasks"]["work"].get<std::vector<double>>(), ElementsAre(1.5, 2, 3, 4));
}

/// A run of one cell: `cell` of the suite's thread pool.
json report_of(const Options& options, FakeSuite& suite, std::size_t tasks,
               const Attempt& attempt) {
  const std::vector<Cell> cells = choose_cells(suite.matrix, options);
  Recorder recorder(1, 0, 0, {});
  recorder.add(0, attempt);
  return json::parse(json_report({options, cells, {tasks}, recorder, "bin/program", false}));
}

TEST(JsonReport, NamesTheChunkSizeAndTheColdPool) {
  FakeSuite suite;
  Options options = FakeSuite::two_cells();
  options.baseline = false;
  options.pool = PoolMode::Both;
  options.chunksizes = {4};
  options.filter = "cold";
  const json report = report_of(options, suite, 2, one_batch(100));
  const json& entry = report["benchmarks"].at(0);
  EXPECT_EQ(report["context"]["pool"], "both");
  EXPECT_EQ(entry["name"], "work/thread/map/workers:2/chunksize:4/cold");
  EXPECT_EQ(entry["pool"], "cold");
  EXPECT_EQ(entry["chunksize"], 4);
}

TEST(JsonReport, HasTheMedianTimeToEveryResult) {
  FakeRun run;
  Attempt attempt = one_batch(100);
  for (const double first : {10, 30, 20}) {
    attempt.batches.add({.submit = 1, .completions = {first, 50, 60, 70}, .latencies = {}});
  }
  run.recorder.add(1, attempt);
  run.recorder.add_failure(0, one_batch(100), "no");
  const json report = run.report();
  ASSERT_EQ(report["completions"].size(), 1U) << "a cell that failed has none";
  const json& completions = report["completions"]["work/thread/map/workers:2"];
  EXPECT_EQ(completions["k"], json({1, 2, 3, 4}));
  EXPECT_EQ(completions["ns"], json({20, 50, 60, 70}));
}

TEST(JsonReport, CountsResultsOfLargeBatchesFromOneToTheLast) {
  FakeSuite suite;
  Options options = FakeSuite::two_cells();
  options.baseline = false;
  Attempt attempt = one_batch(100);
  attempt.batches.add({.submit = 1, .completions = std::vector<double>(100, 5), .latencies = {}});
  const json k = report_of(options, suite, 1000, attempt)["completions"].front()["k"];
  ASSERT_EQ(k.size(), 100U);
  EXPECT_EQ(k.front(), 1);
  EXPECT_EQ(k[1], 11);
  EXPECT_EQ(k.back(), 1000);
}

TEST(JsonReport, HasTheLatenciesThatTheTasksCanTell) {
  FakeRun run;
  Attempt attempt = one_batch(100);
  attempt.batches.add({.submit = 1, .completions = {5}, .latencies = std::vector<double>(19, 3)});
  run.recorder.add(1, attempt);
  run.recorder.add(1, attempt);
  const json report = run.report();
  EXPECT_EQ(report["latencies"]["work/thread/map/workers:2"],
            json({{"count", 38},
                  {"quantiles", {0.5, 1}},
                  {"ns", {3, 3}},
                  {"each", std::vector<double>(38, 3)}}));
}

TEST(JsonReport, DescribesTheMachineAndTheRun) {
  FakeRun run;
  run.options.context = {{"ticket", "42"}, {"pool", "a liar"}};
  run.partial = true;
  const json report = run.report();
  EXPECT_EQ(report["partial"], true);
  const json& context = report["context"];
  for (const char* text : {"date", "host_name", "library_build_type", "poolmark_version",
                           "build_type", "compiler", "compiler_flags", "commit", "cpu_model",
                           "affinity", "governor", "virtualization", "kernel"}) {
    EXPECT_TRUE(context[text].is_string()) << text;
  }
  EXPECT_EQ(context["executable"], "bin/program");
  EXPECT_TRUE(context["caches"].is_array());
  EXPECT_GE(context["usable_cpus"], 1);
  EXPECT_TRUE(context["cpu_quota"].is_null() || context["cpu_quota"].is_number());
  EXPECT_TRUE(context["dirty"].is_null() || context["dirty"].is_boolean());
  EXPECT_EQ(context["pool"], "warm") << "a fact of the user's never replaces ours";
  EXPECT_EQ(context["ticket"], "42");
  EXPECT_EQ(context["long"], false);
  EXPECT_EQ(context["repetitions"], 3);
  EXPECT_EQ(context["min_time_s"], 0);
  EXPECT_EQ(context["interleaved"], true);
}

}  // namespace
}  // namespace poolmark::harness::detail
