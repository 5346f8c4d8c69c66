#include "harness/timeline.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <latch>
#include <memory>
#include <set>
#include <string>

#include "fake_suite.hpp"
#include "poolmark/harness/suite.hpp"

// When tasks ran, as --timeline notes it: by hand, and on real executors.
namespace poolmark::harness {
namespace {

using detail::BatchTimeline;
using detail::Clock;
using detail::TaskTimes;
using nlohmann::json;
using std::chrono::nanoseconds;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

Clock::time_point at(int ns) { return Clock::time_point(nanoseconds(ns)); }

TaskTimes task(int submitted, int started, int finished, int held) {
  return {at(submitted), {at(started), at(finished), 1, 1}, at(held)};
}

/// Two workers, a map: the second task is done first and is held back by the first.
BatchTimeline two_tasks() {
  return {at(10), at(20), {task(10, 30, 90, 100), task(10, 40, 50, 110)}};
}

TEST(TimelineNumbers, CountWhatTheTasksTookAndHowLongResultsWaited) {
  const detail::TimelineNumbers numbers = detail::numbers_of(two_tasks());
  EXPECT_EQ(numbers.busy_ns, 60 + 10);
  EXPECT_EQ(numbers.head_of_line_ns, (10 + 60) / 2.0);
}

TEST(TimelineNumbers, AreUnknownOfWorkersWithAnotherClock) {
  for (const TaskTimes& strange :
       {task(10, 9, 50, 60), task(10, 20, 70, 60), task(10, 30, 20, 60)}) {
    BatchTimeline timeline = two_tasks();
    timeline.tasks.push_back(strange);
    EXPECT_TRUE(std::isnan(detail::numbers_of(timeline).busy_ns));
    EXPECT_TRUE(std::isnan(detail::numbers_of(timeline).head_of_line_ns));
    EXPECT_THAT(detail::another_clock(timeline).value_or("none"), HasSubstr("1 of 3 tasks"));
  }
  EXPECT_FALSE(detail::another_clock(two_tasks()));
}

TEST(IdleShare, IsOfAllWorkersAndNeverNegative) {
  EXPECT_DOUBLE_EQ(detail::idle_share(50, 2, 100), 0.75);
  EXPECT_EQ(detail::idle_share(300, 2, 100), 0) << "a pool that has more threads than it says";
  EXPECT_TRUE(std::isnan(detail::idle_share(std::nan(""), 2, 100)));
}

TEST(BatchTimeline, TellsWhatTheCallerSawAsAnyBatchDoes) {
  BatchTimeline timeline = two_tasks();
  std::swap(timeline.tasks[0].held, timeline.tasks[1].held);  // in the order of completion
  const detail::BatchView view = detail::view_of(timeline, at(5));
  EXPECT_EQ(view.submit, 10);
  EXPECT_THAT(view.completions, ElementsAre(95, 105));
  EXPECT_THAT(view.latencies, ElementsAre(90, 100));
  EXPECT_THAT(detail::task_times_of(timeline), ElementsAre(60, 10));
}

// ---- on real executors

std::string text_of_number(int number) { return std::string(100, 'x') + std::to_string(number); }

Workload<int, std::string> texts() {
  return {.name = "texts",
          .inputs = {1, 2, 3, 4, 5, 6, 7, 8},
          .task = text_of_number,
          .check = results_equal<int, std::string>("texts", text_of_number),
          .workers = {2}};
}

template <class E, class Input, class Result>
std::unique_ptr<detail::Subject> subject(Workload<Input, Result> workload,
                                         std::function<std::unique_ptr<E>(int)> make) {
  return std::make_unique<detail::WorkloadOnExecutor<Input, Result, Result (*)(Input), E>>(
      std::make_shared<const Workload<Input, Result>>(std::move(workload)), std::move(make));
}

template <class E>
class WatchedOn : public testing::Test {
 public:
  static std::unique_ptr<E> make(int workers) {
    if constexpr (std::is_same_v<E, SequentialExecutor>) {
      return std::make_unique<E>();
    } else {
      return std::make_unique<E>(workers);
    }
  }
};
using Executors = testing::Types<SequentialExecutor, ThreadPoolExecutor, ProcessPoolExecutor>;
TYPED_TEST_SUITE(WatchedOn, Executors);

TYPED_TEST(WatchedOn, NotesEachTaskInThatOrderOfEvents) {
  const auto on = subject<TypeParam>(texts(), TestFixture::make);
  for (const Pattern pattern : {Pattern::Map, Pattern::AsCompleted, Pattern::Wait}) {
    const std::size_t tasks = on->use_inputs(false);
    on->make_pool(2);
    const auto start = Clock::now();
    on->run_batch({.pattern = pattern, .timeline = true});
    const auto end = Clock::now();
    const BatchTimeline timeline = on->timeline().value();
    ASSERT_EQ(timeline.tasks.size(), tasks);
    EXPECT_LE(start, timeline.begun);
    EXPECT_LE(timeline.begun, timeline.all_submitted);
    EXPECT_FALSE(detail::another_clock(timeline)) << to_string(pattern);
    for (const TaskTimes& task : timeline.tasks) {
      EXPECT_LE(timeline.begun, task.submitted);
      EXPECT_LE(task.submitted, timeline.all_submitted);
      EXPECT_LE(task.held, end);
      const bool in_a_process = std::is_same_v<TypeParam, ProcessPoolExecutor>;
      EXPECT_EQ(task.run.process == ::getpid(), !in_a_process);
      EXPECT_NE(task.run.thread, 0);
    }
    EXPECT_EQ(on->view_batch(start).completions.size(), tasks);
    EXPECT_NO_THROW(on->check_results()) << "the results are the tasks' own";
    EXPECT_FALSE(on->timeline()) << "of the next batch";
    on->close_pool(false);
    on->drop_pool();
  }
}

TYPED_TEST(WatchedOn, IsOffUnlessThePlanAsksForIt) {
  const auto on = subject<TypeParam>(texts(), TestFixture::make);
  on->make_pool(2);
  on->run_batch({.pattern = Pattern::Wait});
  EXPECT_FALSE(on->timeline());
  on->check_results();
  on->close_pool(false);
  on->drop_pool();
}

std::latch* first_may_end = nullptr;

/// The first of two tasks ends after the second.
int end_in_turn(int number) {
  if (number == 0) {
    first_may_end->wait();
  } else {
    first_may_end->count_down();
  }
  return number;
}

/// A batch of two such tasks on two threads.
std::vector<TaskTimes> turns(Pattern pattern) {
  std::latch event{1};
  first_may_end = &event;
  const auto on = subject<ThreadPoolExecutor>(
      Workload<int, int>{.name = "turns",
                         .inputs = {0, 1},
                         .task = end_in_turn,
                         .check = [](const std::vector<int>&, const std::vector<int>&) {}},
      [](int workers) { return std::make_unique<ThreadPoolExecutor>(workers); });
  on->make_pool(2);
  on->run_batch({.pattern = pattern, .chunksize = 1, .timeline = true});
  const BatchTimeline timeline = on->timeline().value();
  EXPECT_FALSE(detail::another_clock(timeline));
  on->check_results();
  on->close_pool(false);
  on->drop_pool();
  return timeline.tasks;
}

TEST(Timeline, ShowsThatTheFirstTaskOfAMapHoldsTheSecondBack) {
  const std::vector<TaskTimes> tasks = turns(Pattern::Map);
  EXPECT_LT(tasks[1].run.started, tasks[0].run.finished);
  EXPECT_NE(tasks[0].run.thread, tasks[1].run.thread);
  EXPECT_GE(tasks[1].held, tasks[0].run.finished);
  EXPECT_LE(tasks[0].held, tasks[1].held);
}

TEST(Timeline, KnowsWhoseResultCameFirst) {
  // The second is mostly held before the first ends: taking it for the first shows in some round.
  for (int round = 0; round < 50; ++round) turns(Pattern::AsCompleted);
}

// ---- an executor that looks at what it is given

template <class F>
inline constexpr bool kIsWatched = false;
template <class Input, class Result, class Task>
inline constexpr bool kIsWatched<detail::WatchedTask<Input, Result, Task>> = true;

/// Tells whether a task is wrapped, and moves the runs of those that are by `shift`, as workers
/// with a clock of their own would.
class Inspector {
 public:
  Inspector(int& wrapped, nanoseconds shift) : wrapped_(wrapped), shift_(shift) {}

  template <class F, class... Args>
  auto submit(F f, Args... args) {
    if constexpr (kIsWatched<F>) {
      ++wrapped_;
      return inner_.submit(
          [f, shift = shift_](auto... given) {
            auto result = f(given...);
            result.run.started += shift;
            result.run.finished += shift;
            return result;
          },
          args...);
    } else {
      return inner_.submit(f, args...);
    }
  }
  void shutdown(ShutdownOptions) { inner_.shutdown(); }
  int max_workers() const { return 1; }

 private:
  int& wrapped_;
  nanoseconds shift_;
  SequentialExecutor inner_;
};

int square(int x) { return x * x; }

class TimelineRun : public testing::Test {
 protected:
  int wrapped = 0;
  nanoseconds shift{0};
  std::string said;
  detail::TemporaryFolder folder;

  json measure(std::vector<std::string> flags) {
    Suite suite{executor_under_test(
        "own", [this](int) { return std::make_unique<Inspector>(wrapped, shift); })};
    suite.add(Workload<int, int>{
        .name = "squares",
        .inputs = {3, 5, 7},
        .task = square,
        .check = results_equal<int, int>("squares", [](const int& x) { return x * x; }),
        .workers = {1}});
    for (const char* flag : {"--executors=own,thread", "--benchmark_repetitions=2"}) {
      flags.insert(flags.begin(), flag);
    }
    flags.insert(flags.begin(), "program");
    flags.push_back("--benchmark_out=" + (folder / "out.json").string());
    std::vector<char*> pointers;
    for (std::string& flag : flags) pointers.push_back(flag.data());
    testing::internal::CaptureStdout();
    testing::internal::CaptureStderr();
    const int status = suite.main(static_cast<int>(pointers.size()), pointers.data());
    said = testing::internal::GetCapturedStderr();
    testing::internal::GetCapturedStdout();
    EXPECT_EQ(status, 0) << said;
    return detail::json_of(folder / "out.json");
  }
};

TEST_F(TimelineRun, WrapsNoTaskAndSaysNothingUnlessAsked) {
  const json report = measure({"--patterns=as_completed,wait"});
  EXPECT_EQ(wrapped, 0);
  EXPECT_FALSE(report["context"].contains("timeline"));
  for (const json& entry : report["benchmarks"]) {
    for (const char* field : {"head_of_line_ns", "busy_ns", "idle_share"}) {
      EXPECT_FALSE(entry.contains(field)) << entry;
    }
  }
}

TEST_F(TimelineRun, AddsItsNumbersToEveryEntry) {
  for (const char* pool : {"--pool=warm", "--pool=cold"}) {
    wrapped = 0;
    const json report = measure({"--timeline", pool});
    // Two ways of collecting that submit, two repetitions; a map submits its own call.
    EXPECT_EQ(wrapped, 3 * 2 * 2);
    EXPECT_EQ(report["context"]["timeline"], true);
    EXPECT_EQ(report["benchmarks"].size(), 7U * 2U);
    for (const json& entry : report["benchmarks"]) {
      EXPECT_GE(entry["head_of_line_ns"], 0) << entry;
      EXPECT_LE(entry["head_of_line_ns"], entry["real_time"]) << entry;
      EXPECT_GT(entry["busy_ns"], 0) << entry;
      EXPECT_LE(entry["busy_ns"], entry["real_time"]) << "of one worker " << entry;
      EXPECT_DOUBLE_EQ(entry["idle_share"],
                       1 - entry["busy_ns"].get<double>() / entry["real_time"].get<double>());
    }
    EXPECT_EQ(report["tasks"]["squares"].size(), 3U) << "they are in the baseline's timeline";
  }
}

TEST_F(TimelineRun, SaysSoWhenTheWorkersHaveAnotherClock) {
  shift = std::chrono::hours(-1);
  const json report = measure({"--timeline", "--patterns=wait", "--no-baseline"});
  EXPECT_THAT(said, AllOf(HasSubstr("squares/own/wait/workers:1 has no timeline: 3 of 3 tasks"),
                          testing::Not(HasSubstr("squares/thread/wait/workers:1 has no"))));
  for (const json& entry : report["benchmarks"]) {
    EXPECT_EQ(entry.contains("busy_ns"), entry["executor"] == "thread") << entry;
    EXPECT_EQ(entry.contains("idle_share"), entry["executor"] == "thread") << entry;
  }
}

}  // namespace
}  // namespace poolmark::harness
