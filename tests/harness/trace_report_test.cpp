#include "harness/trace_report.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>

#include "fake_suite.hpp"
#include "harness/trace_events.hpp"
#include "trace_rules.hpp"

// The trace file, drawn from batches whose every time is known.
namespace poolmark::harness::detail {
namespace {

using std::chrono::nanoseconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

Clock::time_point at(int ns) { return Clock::time_point(nanoseconds(1'000'000'007 + ns)); }

/// Three tasks on two workers, submitted one by one; its times are no whole microseconds.
TracedBatch three_tasks(int pid) {
  return {{at(101),
           at(207),
           {{at(103), {at(1001), at(5003), pid, 71}, at(5501)},
            {at(131), {at(1111), at(3333), pid, 72}, at(5777)},
            {at(167), {at(3334), at(7001), pid, 72}, at(7777)}}},
          at(0),
          at(8009)};
}

struct DrawnRun {
  FakeSuite suite;
  Options options = FakeSuite::two_cells();
  std::vector<Cell> cells = choose_cells(suite.matrix, options);
  std::vector<std::size_t> tasks = {3, 3};
  Recorder recorder{2, 0, 0, {}};
  LastBatches batches{2};
  bool partial = false;

  /// Cell 1 is work/thread/map/workers:2; a test may make another of it.
  Cell& pool() { return cells[1]; }
  json trace() const {
    return json::parse(
        trace_report({options, cells, tasks, recorder, "bin/program", partial}, batches));
  }
};

/// From and to of each slice, in ns.
std::vector<std::pair<int, int>> spans(const std::vector<json>& slices) {
  std::vector<std::pair<int, int>> found;
  for (const json& slice : slices) {
    const double from = slice["ts"].get<double>() * 1000;
    found.emplace_back(std::lround(from), std::lround(from + slice["dur"].get<double>() * 1000));
  }
  return found;
}

std::vector<json> of_row(const std::vector<json>& events, const std::string& row,
                         const json& trace) {
  std::vector<json> found;
  for (const json& name : events_named(trace, "thread_name")) {
    if (name["args"]["name"] != row) continue;
    std::ranges::copy_if(events, std::back_inserter(found),
                         [&](const json& event) { return row_of(event) == row_of(name); });
  }
  return found;
}

std::vector<std::string> row_names(const json& trace) {
  std::vector<std::string> names;
  for (const json& name : events_named(trace, "thread_name")) names.push_back(name["args"]["name"]);
  return names;
}

TEST(TraceReport, KeepsTheRulesOfTheFormatForEveryPatternAndPool) {
  for (const Pattern pattern : {Pattern::Map, Pattern::AsCompleted, Pattern::Wait}) {
    for (const PoolMode pool : {PoolMode::Warm, PoolMode::Cold}) {
      DrawnRun run;
      run.pool().pattern = pattern;
      run.pool().pool = pool;
      run.batches = {three_tasks(7), three_tasks(8)};
      EXPECT_THAT(TraceRules::broken(run.trace()), IsEmpty());
    }
  }
}

TEST(TraceReport, WritesTimesThatReadersDoNotCutShort) {
  TraceEvents drawn;
  std::vector<std::int64_t> times = {0, 32'919'804,
                                     32'981'435};  // 32981.435 * 1000 is less than it
  for (std::int64_t ns = 1; ns < 1'000'000'000'000; ns = ns * 5 / 4 + 1) times.push_back(ns);
  for (const std::int64_t ns : times) drawn.instant({1, 1}, "now", "test", ns);
  const json written = json::parse(drawn.document(json::object()))["traceEvents"];
  ASSERT_EQ(written.size(), times.size());
  for (std::size_t i = 0; i < times.size(); ++i) {
    EXPECT_EQ(cut_to_ns(written[i]["ts"]), times[i]);
  }
}

TEST(TraceReport, DrawsTheTasksOfEachWorkerAndItsIdleTimeBetween) {
  DrawnRun run;
  run.batches[1] = three_tasks(::getpid());
  const json trace = run.trace();
  EXPECT_THAT(row_names(trace),
              ElementsAre("caller", "thread worker 1 (thread 71)", "thread worker 2 (thread 72)"));
  const auto on = [&](const char* row, const char* what) {
    return spans(of_row(events(trace, "X", what), row, trace));
  };
  EXPECT_THAT(on("thread worker 1 (thread 71)", "task"), ElementsAre(std::pair(1001, 5003)));
  EXPECT_THAT(on("thread worker 2 (thread 72)", "task"),
              ElementsAre(std::pair(1111, 3333), std::pair(3334, 7001)));
  // An idle slice ends a nanosecond before what comes next.
  EXPECT_THAT(on("thread worker 1 (thread 71)", "idle"),
              ElementsAre(std::pair(101, 1000), std::pair(5003, 8008)));
  EXPECT_THAT(on("thread worker 2 (thread 72)", "idle"),
              ElementsAre(std::pair(101, 1110), std::pair(3333, 3333), std::pair(7001, 8008)));
}

TEST(TraceReport, TellsTheFourTimesOfATask) {
  DrawnRun run;
  run.batches[1] = three_tasks(7);
  const json args = events(run.trace(), "X", "task").back()["args"];
  EXPECT_EQ(args["task"], 2);
  EXPECT_DOUBLE_EQ(args["submitted_us"], 0.167);
  EXPECT_DOUBLE_EQ(args["started_us"], 3.334);
  EXPECT_DOUBLE_EQ(args["finished_us"], 7.001);
  EXPECT_DOUBLE_EQ(args["held_us"], 7.777);
  EXPECT_DOUBLE_EQ(args["waited_for_a_worker_us"], 3.167);
  EXPECT_DOUBLE_EQ(args["waited_for_the_caller_us"], 0.776);
}

TEST(TraceReport, DrawsWhatTheCallerDid) {
  DrawnRun run;
  run.pool().pattern = Pattern::AsCompleted;
  run.batches[1] = three_tasks(7);
  const json trace = run.trace();
  const auto of = [&](const char* category) { return spans(events(trace, "X", category)); };
  EXPECT_THAT(of("batch"), ElementsAre(std::pair(0, 8009))) << "the time that was measured";
  EXPECT_THAT(of("submitting"), ElementsAre(std::pair(101, 206), std::pair(103, 130),
                                            std::pair(131, 166), std::pair(167, 206)));
  EXPECT_THAT(of("collecting"), ElementsAre(std::pair(207, 7778)));
  EXPECT_EQ(events(trace, "i", "result").size(), 3U);
  EXPECT_EQ(events(trace, "X", "pool").size(), 0U);
  EXPECT_EQ(events(trace, "s").size(), 3U) << "an arrow from each submission to its run";
}

TEST(TraceReport, DrawsMakingAndShuttingDownAColdPool) {
  DrawnRun run;
  run.pool().pool = PoolMode::Cold;
  run.batches[1] = three_tasks(7);
  EXPECT_THAT(spans(events(run.trace(), "X", "pool")),
              ElementsAre(std::pair(0, 100), std::pair(7779, 8009)));
}

TEST(TraceReport, CountsWhatWaits) {
  DrawnRun run;
  run.batches[1] = three_tasks(7);
  std::vector<int> for_a_worker;
  std::vector<int> for_the_caller;
  for (const json& event : events(run.trace(), "C")) {
    const bool is_task = event["name"] == "tasks that wait";
    (is_task ? for_a_worker : for_the_caller).push_back(event["args"].begin().value());
  }
  EXPECT_THAT(for_a_worker, ElementsAre(0, 1, 2, 3, 2, 1, 0));
  EXPECT_THAT(for_the_caller, ElementsAre(0, 1, 2, 1, 0, 1, 0));
}

TEST(TraceReport, NamesWorkersByWhatTheyAre) {
  DrawnRun run;
  run.pool().workers = 3;
  run.pool().executor = "process";
  TracedBatch batch = three_tasks(72);
  batch.timeline.tasks[0].run.process = 70;
  run.batches[1] = batch;
  EXPECT_THAT(row_names(run.trace()),
              ElementsAre("caller", "process worker 1 (process 70, thread 71)",
                          "process worker 2 (process 72)", "process worker 3 (ran nothing)"));
  EXPECT_THAT(
      spans(of_row(events(run.trace(), "X"), "process worker 3 (ran nothing)", run.trace())),
      ElementsAre(std::pair(101, 8008)))
      << "idle from the beginning to the end";
}

TEST(TraceReport, ListsTheCellsWithTheTimesThatWereMeasured) {
  DrawnRun run;
  run.batches = {three_tasks(7), three_tasks(8)};
  const json trace = run.trace();
  const json& facts = trace["otherData"];
  EXPECT_EQ(facts["executable"], "bin/program");
  EXPECT_EQ(facts["partial"], false);
  ASSERT_EQ(facts["cells"].size(), 2U);
  const json& cell = facts["cells"][1];
  EXPECT_EQ(cell["pid"], 2);
  EXPECT_EQ(cell["name"], "work/thread/map/workers:2");
  EXPECT_EQ(cell["real_time_ns"], 8009);
  EXPECT_EQ(cell["tasks"], 3);
  EXPECT_EQ(cell["busy_ns"], 4002 + 2222 + 3667);
  EXPECT_DOUBLE_EQ(cell["idle_share"], 1 - 9891 / (2 * 8009.0));
  EXPECT_EQ(facts["not_drawn"], json::array());
  EXPECT_EQ(events_named(trace, "process_name")[1]["args"]["name"], cell["name"]);
}

TEST(TraceReport, TellsWhyACellIsMissing) {
  DrawnRun run;
  run.partial = true;
  run.recorder.add_failure(0, Attempt(), "seven \xff");
  run.batches[1] = three_tasks(7);
  run.batches[1]->timeline.tasks[1].held = at(2000);
  const json facts = run.trace()["otherData"];
  EXPECT_EQ(facts["cells"], json::array());
  ASSERT_EQ(facts["not_drawn"].size(), 2U);
  EXPECT_THAT(facts["not_drawn"][0]["message"].get<std::string>(),
              HasSubstr("no batch succeeded: seven \xEF\xBF\xBD"));
  EXPECT_THAT(facts["not_drawn"][1]["message"].get<std::string>(), HasSubstr("machine's clock"));
}

TEST(TraceReport, IsWholeWhenNothingWasMeasured) {
  DrawnRun run;
  run.partial = true;
  const json trace = run.trace();
  EXPECT_EQ(trace["traceEvents"], json::array());
  EXPECT_EQ(trace["otherData"]["partial"], true);
  EXPECT_EQ(trace["otherData"]["not_drawn"][0]["message"], "the run was interrupted before");
}

}  // namespace
}  // namespace poolmark::harness::detail
