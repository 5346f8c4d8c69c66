#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <list>
#include <memory>
#include <poolmark/harness.hpp>
#include <ranges>
#include <stdexcept>
#include <string>
#include <vector>

#include "suite_run.hpp"

// Functions of a user's: what Suite::add() makes of them, and what becomes of the odd ones.
namespace poolmark::harness {
namespace {

using nlohmann::json;
using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

int square(int x) { return x * x; }

int throw_at_7(int x) {
  if (x == 7) throw std::runtime_error("seven is too much");
  return x * x;
}

class Function : public SuiteRun {
 protected:
  /// Every cell of a suite whose only function is right has been measured.
  template <class S>
  void expect_measured(S& suite) {
    const json report = measure(suite, 0, {"--workers=2"});
    EXPECT_EQ(report["failures"], json::array());
    EXPECT_EQ(report["benchmarks"].size(), (1U + 2U * 3U) * 2U);
  }

  /// The sentence that every cell of a suite with one odd function has failed with.
  template <class S>
  std::string why_all_fail(S& suite) {
    const json report = measure(suite, 1, {"--workers=2"});
    EXPECT_EQ(report["benchmarks"], json::array());
    EXPECT_EQ(report["failures"].size(), (1U + 2U * 3U) * 2U);
    for (const json& failure : report["failures"]) {
      EXPECT_EQ(failure["message"], report["failures"][0]["message"]) << failure;
    }
    return report["failures"][0]["message"];
  }
};

TEST_F(Function, NeedsANameInputsAndNothingElse) {
  Suite suite;
  suite.add("squares", {3, 5, 7, 9}, square);
  expect_measured(suite);
}

TEST_F(Function, TakesAnyRangeOfInputs) {
  Suite suite;
  suite.add("vector", std::vector{3, 5}, square)
      .add("list", std::list<std::string>{"a", "bc"}, [](const std::string& s) { return s.size(); })
      .add("view", std::views::iota(1, 4), square)
      .add("bools", std::vector<bool>{true, false}, [](bool b) { return !b; });
  const json report = measure(suite, 0, {"--workers=2", "--patterns=map"});
  EXPECT_EQ(report["failures"], json::array());
  EXPECT_EQ(report["tasks"]["view"].size(), 3U);
}

TEST_F(Function, MayBeAClosureOfPlainValues) {
  Suite suite;
  suite.add("products", {3, 5}, [factor = 3](int x) { return factor * x; }, {.expected = {9, 15}});
  expect_measured(suite);
}

const std::string kWord = "a word that lies elsewhere";
const std::string& same_word(int) { return kWord; }

TEST_F(Function, MayReturnAReference) {
  Suite suite;
  suite.add("words", {1, 2}, same_word, {.expected = {kWord, kWord}});
  expect_measured(suite);
}

TEST_F(Function, MayReturnNothing) {
  Suite suite;
  suite.add("effects", {1, 2}, [](int) {});
  expect_measured(suite);
}

std::atomic<int> calls{0};

TEST_F(Function, IsNotCalledAgainForTheCheckWhenItReturnsNothing) {
  Suite suite;
  suite.add("effects", {1, 2}, [](int) { ++calls; });
  calls = 0;
  measure(suite, 0, {"--executors=sequential", "--patterns=map"});
  EXPECT_EQ(calls, 2 * 2) << "two tasks, two repetitions";
}

TEST_F(Function, IsNotCalledAgainWhenItIsSaidWhatIsRight) {
  Suite suite;
  suite.add("numbers", {1, 2}, [](int x) { return ++calls, x; }, {.expected = {1, 2}});
  calls = 0;
  measure(suite, 0, {"--executors=sequential", "--patterns=map"});
  EXPECT_EQ(calls, 2 * 2);
}

TEST_F(Function, HasItsOwnNumbersOfWorkers) {
  Suite suite;
  suite.add("squares", {3, 5}, square, {.workers = {3}});
  EXPECT_EQ(main_of(suite, {"--benchmark_list_tests", "--executors=thread", "--patterns=map"}), 0);
  EXPECT_EQ(printed, "squares/sequential/map/workers:1\nsquares/thread/map/workers:3\n");
}

TEST_F(Function, FailsWhereAResultIsNotTheExpectedOne) {
  Suite suite;
  suite.add("squares", {3, 5, 7}, square, {.expected = {9, 25, 48}});
  EXPECT_EQ(why_all_fail(suite), "wrong result of squares, task 2 (input 7): got 49, expected 48");
}

TEST_F(Function, FailsWhereTheCheckSaysSo) {
  Suite suite;
  suite.add("squares", {3, 5, 7}, square,
            {.check = [](int x, int squared) { return x < 7 && squared == x * x; }});
  EXPECT_EQ(why_all_fail(suite), "wrong result of squares, task 2 (input 7): got 49");
}

/// A different value each time, in whichever process.
int changing(int x) { return 1000 * x + ++calls; }

TEST_F(Function, FailsWhenItReturnsAnotherResultEachTime) {
  Suite suite;
  suite.add("draws", {1, 2}, changing);
  calls = 0;
  const json report = measure(suite, 1, {"--executors=sequential", "--patterns=map"});
  EXPECT_EQ(report["benchmarks"], json::array());
  EXPECT_THAT(report["failures"][0]["message"],
              StartsWith("wrong result of draws, task 0 (input 1): it returned 1001 in this batch "
                         "and 1003 when the program computed it in sequence; "));
}

struct Opaque {
  std::int64_t value = 0;
  friend bool operator==(Opaque, Opaque) = default;
};

TEST_F(Function, FailsWithoutValuesThatCannotBeFormatted) {
  Suite suite;
  // Each process counts for itself.
  suite.add("draws", std::vector{Opaque{1}},
            [](Opaque) { return Opaque{std::int64_t{getpid()} * 1'000'000 + ++calls}; });
  EXPECT_THAT(why_all_fail(suite),
              StartsWith("wrong result of draws, task 0: it returned one value in this batch and "
                         "another when"));
}

TEST_F(Function, MayReturnNotANumber) {
  Suite suite;
  suite.add("nans", {1.0}, [](double) { return std::numeric_limits<double>::quiet_NaN(); });
  expect_measured(suite);
}

TEST_F(Function, FailsWithTheTaskThatThrew) {
  Suite suite;
  suite.add("squares", {3, 5, 7, 9}, throw_at_7);
  EXPECT_EQ(why_all_fail(suite), "task 2 (input 7): seven is too much");
}

TEST_F(Function, FailsWithTheTaskWhoseWorkerDied) {
  Suite suite;
  suite.add("deaths", {3, 7}, [](int x) { return x == 7 ? (std::_Exit(3), 0) : x; });
  const json report = measure(suite, 1, {"--executors=process", "--workers=2", "--no-baseline"});
  for (const json& failure : report["failures"]) {
    EXPECT_THAT(failure["message"], AllOf(StartsWith("task 1 (input 7): "), HasSubstr("worker")));
  }
}

TEST_F(Function, IsNamedWithAShortFormOfALongInput) {
  Suite suite;
  suite.add("long", {std::string(1000, 'x') + "\n"},
            [](const std::string&) -> int { throw std::runtime_error("no"); });
  EXPECT_EQ(why_all_fail(suite), "task 0 (input " + std::string(80, 'x') + " ...): no");
}

struct Named {
  std::string name;  // makes it neither bytes nor known to cereal
};

TEST_F(Function, IsLeftOutOfProcessesWhereItsInputsCannotGo) {
  Suite suite;
  suite.add("names", std::vector{Named{"a"}, Named{"bc"}},
            [](const Named& named) { return named.name.size(); });
  const json report = measure(suite, 0, {"--workers=2"});
  EXPECT_EQ(report["failures"], json::array());
  EXPECT_EQ(report["benchmarks"].size(), (1U + 3U) * 2U);
  EXPECT_THAT(said, HasSubstr("names/process is left out: its inputs cannot cross to another "
                              "process: give their type "));
  EXPECT_THAT(report["context"]["left_out"][0], StartsWith("names/process is left out: "));
  measure(suite, 0, {"--workers=2", "--executors=thread"});
  EXPECT_THAT(said, testing::Not(HasSubstr("left out")));
}

TEST_F(Function, IsLeftOutOfProcessesWhereItHasCapturedWhatCannotGo) {
  const std::vector<int> table{5, 7};
  Suite suite;
  suite.add("copy", {0, 1}, [table](std::size_t i) { return table[i]; }, {.expected = {5, 7}})
      .add("reference", {0, 1}, [&](std::size_t i) { return table[i]; }, {.expected = {5, 7}});
  const json report = measure(suite, 0, {"--workers=2"});
  EXPECT_EQ(report["benchmarks"].size(), 2 * (1U + 3U) * 2U);
  EXPECT_THAT(said, AllOf(HasSubstr("copy/process is left out: what its function has captured"),
                          HasSubstr("reference/process is left out: ")));
}

TEST_F(Function, IsRefusedForProcessesAloneWhereItsResultsCannotGo) {
  Suite suite;
  suite.add("names", {1}, [](int) { return Named{"a"}; },
            {.check = [](int, const Named& named) { return named.name == "a"; }});
  EXPECT_EQ(main_of(suite, {"--executors=process"}), 2);
  EXPECT_THAT(said, StartsWith("program: names/process is left out: its results cannot cross"));
}

TEST(FunctionOfASuite, IsRefusedWithAsManyResultsAsItHasNoInputsFor) {
  Suite suite;
  try {
    suite.add("squares", {3, 5}, square, {.expected = {9}});
    FAIL();
  } catch (const std::invalid_argument& error) {
    EXPECT_STREQ(error.what(),
                 "the workload 'squares' has 2 inputs and 1 expected results: give one for each");
  }
}

TEST(FunctionOfASuite, IsRefusedWithoutInputs) {
  Suite suite;
  EXPECT_THROW(suite.add("squares", std::vector<int>(), square), std::invalid_argument);
}

struct Incomparable {
  int value = 0;
};

TEST(FunctionOfASuite, NeedsACheckWhereResultsCannotBeCompared) {
  Suite suite;
  const auto make = [](int x) { return Incomparable{x}; };
  EXPECT_THROW(suite.add("made", {1}, make), std::invalid_argument);
  const auto is_right = [](int x, const Incomparable& made) { return made.value == x; };
  EXPECT_NO_THROW(suite.add("made", {1}, make, {.check = is_right}));
}

TEST_F(Function, IsMeasuredOnAnExecutorMadeFromItsNumberOfWorkers) {
  Suite suite{executor_under_test<ThreadPoolExecutor>("mine")};
  suite.add("squares", {3, 5}, square);
  const json report = measure(suite, 0, {"--executors=mine", "--workers=2", "--patterns=map"});
  EXPECT_EQ(report["benchmarks"].back()["name"], "squares/mine/map/workers:2");
}

}  // namespace
}  // namespace poolmark::harness
