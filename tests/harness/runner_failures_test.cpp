#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <stdexcept>

#include "poolmark/errors.hpp"
#include "poolmark/harness/workload.hpp"
#include "runner_run.hpp"

// A run in which something fails, or that is interrupted.
namespace poolmark::harness::detail {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class RunnerFailures : public Runner {};

TEST_F(RunnerFailures, PutsACellThatThrowsAmongTheFailures) {
  suite.thread->on_batch = [] { throw std::runtime_error("the disk is on fire"); };
  EXPECT_EQ(run(), 1);
  EXPECT_THAT(repetitions("benchmarks", kPool), ElementsAre());
  EXPECT_THAT(repetitions("failures", kPool), ElementsAre(0, 1, 2));
  EXPECT_THAT(repetitions("benchmarks", kBaseline), ElementsAre(0, 1, 2));
  EXPECT_EQ(report()["failures"][0]["message"], "the disk is on fire");
  EXPECT_THAT(said, HasSubstr("the disk is on fire"));
  EXPECT_THAT(suite.log.events, testing::Contains("cancel"));
}

TEST_F(RunnerFailures, SurvivesWhatIsNoException) {
  suite.thread->on_batch = [] { throw 42; };
  EXPECT_EQ(run(), 1);
  EXPECT_THAT(report()["failures"][0]["message"], HasSubstr("no std::exception"));
}

TEST_F(RunnerFailures, PutsAWrongResultAmongTheFailures) {
  suite.thread->on_check = [] { throw WrongResult("work", 1, 3, 4); };
  EXPECT_EQ(run(), 1);
  EXPECT_THAT(repetitions("benchmarks", kPool), ElementsAre());
  EXPECT_EQ(report()["failures"][0]["message"], "wrong result of work, task 1: got 3, expected 4");
}

TEST_F(RunnerFailures, KeepsTheRepetitionsThatSucceeded) {
  int batches = 0;
  suite.thread->on_batch = [&] {
    if (++batches == 2) throw std::runtime_error("once");
  };
  EXPECT_EQ(run(), 1);
  EXPECT_THAT(repetitions("benchmarks", kPool), ElementsAre(0, 2));
  EXPECT_THAT(repetitions("failures", kPool), ElementsAre(1));
}

TEST_F(RunnerFailures, SurvivesAFailureOfTheFirstRepetitionAlone) {
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

TEST_F(RunnerFailures, SurvivesFailuresAmidManyIterations) {
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

TEST_F(RunnerFailures, FailsACellWhosePoolCannotBeMade) {
  suite.thread->on_make = [] { throw Error("no more processes"); };
  EXPECT_EQ(run(), 1);
  EXPECT_THAT(repetitions("failures", kPool), ElementsAre(0, 1, 2));
  EXPECT_EQ(suite.log.open_pools, 0);
}

TEST_F(RunnerFailures, FailsACellWhosePoolCannotBeClosed) {
  suite.thread->on_close = [] { throw Error("a worker hangs"); };
  EXPECT_EQ(run(), 1);
  EXPECT_THAT(repetitions("failures", kPool), ElementsAre(0, 1, 2));
  EXPECT_THAT(repetitions("benchmarks", kPool), ElementsAre());
}

TEST_F(RunnerFailures, FailsEveryCellOfAWorkloadThatFailsItsSelfCheck) {
  suite.matrix.workloads[0].self_check = [] { throw WrongResult("a closed form slipped in"); };
  EXPECT_EQ(run(), 1);
  EXPECT_THAT(repetitions("failures", kBaseline), ElementsAre(0, 1, 2));
  EXPECT_THAT(repetitions("failures", kPool), ElementsAre(0, 1, 2));
  EXPECT_EQ(report()["failures"][0]["message"], "a closed form slipped in");
  EXPECT_THAT(suite.log.events, testing::IsEmpty());
}

TEST_F(RunnerFailures, LeavesOutTheSelfChecksWhenAsked) {
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

TEST_F(RunnerFailures, GivesUpABatchThatNoticesTheInterrupt) {
  suite.thread->on_batch = [] {
    ::raise(SIGINT);
    throw Interrupted();
  };
  options.baseline = false;
  EXPECT_EQ(run(), 130);
  EXPECT_TRUE(report()["benchmarks"].empty());
  EXPECT_TRUE(report()["failures"].empty());
}

TEST_F(RunnerFailures, EndsAtOnceOnASecondInterrupt) {
  suite.thread->on_batch = [] {
    ::raise(SIGINT);
    ::raise(SIGINT);
  };
  options.baseline = false;
  EXPECT_EXIT(run_suite(suite.matrix, options, "program"), testing::ExitedWithCode(130), "");
}

TEST_F(RunnerFailures, CanBeInterruptedAgainInALaterRun) {
  suite.thread->on_batch = [] { ::raise(SIGINT); };
  EXPECT_EQ(run(), 130);
  suite.thread->on_batch = [] {};
  EXPECT_EQ(run(), 0);
}

}  // namespace
}  // namespace poolmark::harness::detail
