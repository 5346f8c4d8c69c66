#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <cstdio>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

// A program of a user's with functions that print, throw and change their minds.
namespace poolmark::harness {
namespace {

using nlohmann::json;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

struct Ended {
  int status = -1;
  std::string output;
};

/// Through a shell: `redirection` says what of the program is read.
Ended run(const std::string& arguments, const std::string& redirection) {
  const std::string command = std::string(POOLMARK_ODD_FUNCTIONS) +
                              " --benchmark_repetitions=2 --workers=2 " + arguments + " " +
                              redirection;
  Ended ended;
  FILE* pipe = ::popen(command.c_str(), "r");
  for (int c = std::getc(pipe); c != EOF; c = std::getc(pipe)) {
    ended.output.push_back(static_cast<char>(c));
  }
  ended.status = WEXITSTATUS(::pclose(pipe));
  return ended;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

constexpr std::size_t kCells = 1 + 2 * 3;

TEST(OddFunctions, ThatPrintLeaveJsonWhole) {
  const Ended ended = run("--workloads=talks --benchmark_format=json", "2>/dev/null");
  EXPECT_EQ(ended.status, 0);
  const json report = json::parse(ended.output);
  EXPECT_EQ(report["benchmarks"].size(), kCells * 2);
  for (const json& entry : report["benchmarks"]) {
    // Of four tasks: "printf 1\n", "cout 1\n" and "write\n". Processes have them too.
    EXPECT_EQ(entry["stdout_bytes"], 4 * (9 + 7 + 6)) << entry;
  }
}

TEST(OddFunctions, ThatPrintLeaveCsvWhole) {
  const Ended ended = run("--workloads=talks --benchmark_format=csv", "2>/dev/null");
  EXPECT_EQ(ended.status, 0);
  const auto lines = lines_of(ended.output);
  ASSERT_EQ(lines.size(), 1 + kCells * 2);
  for (std::size_t i = 1; i < lines.size(); ++i) EXPECT_THAT(lines[i], StartsWith("\"talks/"));
}

TEST(OddFunctions, ThatPrintLeaveTheConsoleWhole) {
  const Ended ended = run("--workloads=talks", "2>/dev/null");
  EXPECT_EQ(ended.status, 0);
  EXPECT_THAT(ended.output, AllOf(HasSubstr("talks/process/wait/workers:2 "),
                                  Not(HasSubstr("printf")), Not(HasSubstr("write"))));
}

TEST(OddFunctions, ThatPrintLeaveTheProgressWhole) {
  const Ended ended =
      run("--workloads=talks --benchmark_format=json --progress-fd=1 --benchmark_out=/dev/null",
          "2>/dev/null");
  EXPECT_EQ(ended.status, 0);
  const auto lines = lines_of(ended.output);
  ASSERT_GT(lines.size(), kCells * 2);
  for (std::size_t i = 0; i <= kCells * 2; ++i) {
    EXPECT_TRUE(json::accept(lines[i])) << lines[i];
  }
}

TEST(OddFunctions, ThatPrintAreToldOfOnce) {
  const std::string said = run("--workloads=talks", "2>&1 >/dev/null").output;
  const std::string sentence =
      "The measured functions wrote 1320 bytes to standard output, beginning with '";
  ASSERT_THAT(said, HasSubstr(sentence));  // 7 cells, twice, and the check: 88 bytes
  EXPECT_THAT(said.substr(said.find(sentence) + sentence.size()), Not(HasSubstr("measured fun")));
}

TEST(OddFunctions, ThatPrintNothingAreNotToldOf) {
  EXPECT_THAT(run("--workloads=whispers", "2>&1 >/dev/null").output, Not(HasSubstr("bytes")));
  const Ended ended = run("--workloads=whispers --benchmark_format=json", "2>/dev/null");
  EXPECT_THAT(ended.output, Not(HasSubstr("stdout_bytes")));
}

TEST(OddFunctions, ThatThrowFailWithTheTask) {
  const Ended ended = run("--workloads=throws --benchmark_format=json", "2>/dev/null");
  EXPECT_EQ(ended.status, 1);
  const json report = json::parse(ended.output);
  EXPECT_EQ(report["failures"].size(), kCells * 2);
  for (const json& failure : report["failures"]) {
    EXPECT_EQ(failure["message"], "task 2 (input 7): seven is too much");
  }
}

TEST(OddFunctions, ThatChangeTheirMindsFailInEveryCell) {
  const Ended ended = run("--workloads=changes --benchmark_format=json", "2>/dev/null");
  EXPECT_EQ(ended.status, 1);
  const json report = json::parse(ended.output);
  EXPECT_EQ(report["benchmarks"], json::array());
  for (const json& failure : report["failures"]) {
    EXPECT_THAT(failure["message"], StartsWith("wrong result of changes, task "));
  }
}

}  // namespace
}  // namespace poolmark::harness
