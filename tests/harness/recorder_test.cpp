#include "harness/recorder.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace poolmark::harness::detail {
namespace {

using testing::ElementsAre;

TEST(Median, IsTheMiddleOrTheMeanOfTheTwoMiddleValues) {
  EXPECT_EQ(median({3, 1, 2}), 2);
  EXPECT_EQ(median({4, 1, 3, 2}), 2.5);
  EXPECT_EQ(median({7}), 7);
  EXPECT_EQ(median({}), 0);
}

TEST(RepetitionCounter, CountsEveryCallWithoutAMinimumTime) {
  RepetitionCounter counter(0, 0);
  EXPECT_TRUE(counter.counts(1, 1e-9));
  EXPECT_TRUE(counter.counts(1, 1e-9));
}

TEST(RepetitionCounter, CountsOnlyTheLastTryOfTheFirstRepetition) {
  RepetitionCounter counter(1.0, 0);
  EXPECT_FALSE(counter.counts(1, 0.1));
  EXPECT_FALSE(counter.counts(10, 0.9));
  EXPECT_TRUE(counter.counts(14, 1.0));
  EXPECT_TRUE(counter.counts(14, 0.5)) << "later repetitions keep the number of iterations";
}

TEST(RepetitionCounter, CountsATryWithTheMostIterations) {
  RepetitionCounter counter(1.0, 0);
  EXPECT_TRUE(counter.counts(1'000'000'000, 0.1));
}

TEST(RepetitionCounter, ThrowsTheWarmUpAway) {
  RepetitionCounter counter(0, 0.5);
  EXPECT_FALSE(counter.counts(1, 0.1));
  EXPECT_FALSE(counter.counts(7, 0.6)) << "long enough, but still warm-up";
  EXPECT_TRUE(counter.counts(1, 0.1));
}

TEST(RepetitionCounter, LooksForTheNumberOfIterationsAfterTheWarmUp) {
  RepetitionCounter counter(1.0, 0.5);
  EXPECT_FALSE(counter.counts(1, 2.0)) << "the warm-up";
  EXPECT_FALSE(counter.counts(1, 0.6)) << "the first repetition, too short";
  EXPECT_TRUE(counter.counts(3, 1.8));
}

Attempt attempt(std::int64_t iterations, double real_ns) {
  Attempt result;
  result.iterations = iterations;
  result.seconds = real_ns / 1e9;
  result.sums.real_ns = real_ns;
  result.sums.first_result_ns = real_ns / 2;
  result.sums.submit_ns = real_ns / 5;
  result.batches.add({.submit = 1, .completions = {real_ns}, .latencies = {real_ns}});
  return result;
}

TEST(Recorder, GivesTimesOfOneIteration) {
  Recorder recorder(1, 0, 0, {});
  recorder.add(0, attempt(4, 100));
  ASSERT_EQ(recorder.samples().size(), 1U);
  EXPECT_EQ(recorder.samples()[0].real_ns, 25);
  EXPECT_EQ(recorder.samples()[0].first_result_ns, 12.5);
  EXPECT_EQ(recorder.samples()[0].submit_ns, 5);
  EXPECT_EQ(recorder.samples()[0].iterations, 4);
}

TEST(Recorder, NumbersRepetitionsOfACellFailedOrNot) {
  std::vector<std::string> events;
  Recorder recorder(
      2, 0, 0,
      {.on_sample = [&](const Sample& s) { events.push_back(fmt::format("s{}", s.repetition)); },
       .on_failure =
           [&](const Failure& f) { events.push_back(fmt::format("f{}", f.repetition)); }});
  recorder.add(0, attempt(1, 1));
  recorder.add_failure(0, attempt(1, 1), "broken");
  recorder.add(0, attempt(1, 1));
  recorder.add(1, attempt(1, 1));
  EXPECT_THAT(events, ElementsAre("s0", "f1", "s2", "s0"));
  EXPECT_EQ(recorder.failures().at(0).message, "broken");
}

TEST(Recorder, TakesMediansOfEachTaskOverAllIterations) {
  Recorder recorder(1, 0, 0, {});
  Attempt first = attempt(2, 10);
  first.task_times = {{1, 100}, {2, 200}};
  recorder.add(0, first);
  Attempt second = attempt(2, 10);
  second.task_times = {{3, 300}, {9, 900}};
  recorder.add(0, second);
  EXPECT_THAT(recorder.task_medians(0), ElementsAre(2.5, 250));
}

TEST(Recorder, ForgetsTasksOfTriesThatDoNotCount) {
  Recorder recorder(1, 1.0, 0, {});
  Attempt too_short = attempt(1, 5);
  too_short.task_times = {{5}};
  recorder.add(0, too_short);
  EXPECT_THAT(recorder.task_medians(0), testing::IsEmpty());
  EXPECT_THAT(recorder.samples(), testing::IsEmpty());
}

TEST(Recorder, KeepsWhatTheCallerSawOfRepetitionsThatCount) {
  Recorder recorder(2, 1.0, 0, {});
  recorder.add(0, attempt(1, 5));  // too short
  EXPECT_EQ(recorder.batches(0).size(), 0U);
  recorder.add(0, attempt(1, 2e9));
  recorder.add(0, attempt(1, 4e9));
  recorder.add_failure(0, attempt(1, 8e9), "wrong");
  EXPECT_THAT(recorder.batches(0).median_completions(), ElementsAre(3e9));
  EXPECT_EQ(recorder.batches(1).size(), 0U);
}

TEST(Recorder, HasNoMedianWithoutSamples) {
  Recorder recorder(2, 0, 0, {});
  recorder.add(0, attempt(1, 8));
  EXPECT_EQ(recorder.median_real_ns(0), 8);
  EXPECT_EQ(recorder.median_real_ns(1), 0);
}

}  // namespace
}  // namespace poolmark::harness::detail
