#include "poolmark/harness/detail/batch_times.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

namespace poolmark::harness::detail {
namespace {

using testing::Each;
using testing::ElementsAre;
using testing::Ge;
using testing::IsEmpty;
using testing::SizeIs;

TEST(Marks, AreAllOfUpToAHundredResults) {
  EXPECT_THAT(marks_of(0), IsEmpty());
  EXPECT_THAT(marks_of(1), ElementsAre(0));
  EXPECT_THAT(marks_of(3), ElementsAre(0, 1, 2));
  std::vector<std::size_t> all(100);
  std::iota(all.begin(), all.end(), 0);
  EXPECT_EQ(marks_of(100), all);
}

TEST(Marks, AreAHundredEvenlySpacedOnesOfMore) {
  for (const std::size_t count : {101UL, 199UL, 1000UL, 12345UL, 100'000'000UL}) {
    const auto marks = marks_of(count);
    ASSERT_THAT(marks, SizeIs(kMostMarks)) << count;
    EXPECT_EQ(marks.front(), 0U);
    EXPECT_EQ(marks.back(), count - 1);
    std::size_t widest = 0;
    std::size_t narrowest = count;
    for (std::size_t j = 1; j < marks.size(); ++j) {
      widest = std::max(widest, marks[j] - marks[j - 1]);
      narrowest = std::min(narrowest, marks[j] - marks[j - 1]);
    }
    EXPECT_GE(narrowest, 1U) << count;
    EXPECT_LE(widest - narrowest, 1U) << count;
  }
}

/// Records a batch of `tasks` tasks whose results come in the order `order`; 0 is the first task.
BatchTimes record(const std::vector<std::size_t>& order) {
  static const std::vector<int> states(1000);  // their addresses stand for those of futures
  BatchTimes times;
  times.prepare(order.size());
  times.begin();
  for (std::size_t task = 0; task < order.size(); ++task) times.submitting(task);
  times.all_submitted();
  for (const std::size_t task : order) times.holding(&states.at(task));
  return times;
}

TEST(BatchTimes, TellTheTimeOfEveryResultOfASmallBatch) {
  const auto start = Clock::now();
  BatchTimes times;
  times.prepare(3);
  times.begin();
  times.all_submitted();
  for (int i = 0; i < 3; ++i) times.holding();
  const BatchView seen = times.view(start);
  const double until_now = std::chrono::duration<double, std::nano>(Clock::now() - start).count();
  ASSERT_THAT(seen.completions, SizeIs(3));
  EXPECT_TRUE(std::is_sorted(seen.completions.begin(), seen.completions.end()));
  EXPECT_GT(seen.completions.front(), 0);
  EXPECT_LE(seen.completions.back(), until_now);
  EXPECT_GE(seen.submit, 0);
  EXPECT_LE(seen.submit, seen.completions.front());
}

TEST(BatchTimes, CountTheLatenciesOfAMapFromItsCall) {
  const auto start = Clock::now() - std::chrono::seconds(1);  // of a cold batch: its pool was made
  BatchTimes times;
  times.prepare(2);
  times.begin();
  times.all_submitted();
  times.holding();
  times.holding();
  const BatchView seen = times.view(start);
  EXPECT_THAT(seen.completions, Each(Ge(1e9)));
  ASSERT_THAT(seen.latencies, SizeIs(2));
  EXPECT_LT(seen.latencies[0], seen.completions[0] - 0.9e9);
  EXPECT_DOUBLE_EQ(seen.completions[1] - seen.latencies[1],
                   seen.completions[0] - seen.latencies[0]);
}

TEST(BatchTimes, CountTheLatencyOfATaskFromItsOwnSubmission) {
  const auto start = Clock::now();
  const BatchTimes times = record({2, 0, 1});
  ASSERT_THAT(times.states(), SizeIs(3));
  const BatchView seen = times.view(start, std::vector<std::size_t>{2, 0, 1});
  std::vector<double> submitted;  // of the tasks in the order of their results
  for (std::size_t j = 0; j < 3; ++j) {
    submitted.push_back(seen.completions[j] - seen.latencies[j]);
  }
  EXPECT_LT(submitted[1], submitted[2]) << "task 0 before task 1";
  EXPECT_LT(submitted[2], submitted[0]) << "task 1 before task 2";
}

TEST(BatchTimes, RememberWhoseResultWasHeldAtAMark) {
  std::vector<std::size_t> order(199);
  std::iota(order.rbegin(), order.rend(), 0);  // the last task is the first to be done
  const BatchTimes times = record(order);
  ASSERT_THAT(times.states(), SizeIs(kMostMarks));
  const auto* last = static_cast<const int*>(times.states().front());
  const auto* next = static_cast<const int*>(times.states()[1]);
  EXPECT_EQ(last - next, 2) << "198 results follow the first, every second is timed";
}

TEST(BatchTimes, InterpolateTheSubmissionOfTasksBetweenMarks) {
  const auto start = Clock::now();
  const BatchTimes times = record(std::vector<std::size_t>(397, 0));  // marks 0, 4, 8, ...
  std::vector<std::size_t> tasks(kMostMarks);
  std::iota(tasks.begin(), tasks.end(), 0);
  const BatchView seen = times.view(start, tasks);
  const auto submitted = [&](std::size_t j) { return seen.completions[j] - seen.latencies[j]; };
  EXPECT_LT(submitted(0), submitted(4));
  EXPECT_NEAR(submitted(5), submitted(4) + (submitted(8) - submitted(4)) / 4, 1e-3);
  EXPECT_NEAR(submitted(7), submitted(4) + (submitted(8) - submitted(4)) * 3 / 4, 1e-3);
}

TEST(BatchTimes, ForgetTheBatchBefore) {
  BatchTimes times = record({0, 1, 2});
  times.prepare(2);
  EXPECT_THAT(times.states(), IsEmpty());
  times.begin();
  times.all_submitted();
  times.holding();
  times.holding();
  EXPECT_THAT(times.view(Clock::now()).completions, SizeIs(2));
}

}  // namespace
}  // namespace poolmark::harness::detail
