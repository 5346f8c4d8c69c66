#include "harness/function_output.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <iostream>

namespace poolmark::harness::detail {
namespace {

void write_bytes(const char* text) {
  ASSERT_GT(::write(STDOUT_FILENO, text, std::strlen(text)), 0);
}

class FunctionOutputTest : public testing::Test {
 protected:
  FunctionOutputTest() { testing::internal::CaptureStdout(); }

  /// What has reached the program's standard output. To be called once.
  static std::string reported() { return testing::internal::GetCapturedStdout(); }
};

TEST_F(FunctionOutputTest, KeepsWhatFunctionsPrintOutOfTheReport) {
  std::printf("before, ");
  {
    FunctionOutput output;
    std::printf("printf ");
    std::cout << "cout ";
    write_bytes("write");
    output.report() << "the report, ";
    EXPECT_EQ(output.take(), 17U);
    EXPECT_EQ(output.total(), 17U);
    EXPECT_EQ(output.beginning().size(), 17U);
  }
  std::printf("after");
  EXPECT_EQ(reported(), "before, the report, after");
}

TEST_F(FunctionOutputTest, CountsEachByteOnce) {
  FunctionOutput output;
  EXPECT_EQ(output.take(), 0U);
  std::printf("one");
  EXPECT_EQ(output.take(), 3U);
  EXPECT_EQ(output.take(), 0U);
  std::printf("three");
  EXPECT_EQ(output.take(), 5U);
  EXPECT_EQ(output.total(), 8U);
  EXPECT_EQ(output.beginning(), "one");
  output.give_back();
  EXPECT_EQ(reported(), "");
}

TEST_F(FunctionOutputTest, KeepsTheBeginningOfMuch) {
  FunctionOutput output;
  std::printf("%s", std::string(10'000, 'x').c_str());
  EXPECT_EQ(output.take(), 10'000U);
  EXPECT_EQ(output.beginning(), std::string(200, 'x'));
  output.give_back();
  EXPECT_EQ(reported(), "");
}

TEST_F(FunctionOutputTest, ReachesProcessesForkedMeanwhile) {
  FunctionOutput output;
  const pid_t child = ::fork();
  if (child == 0) {
    write_bytes("child");
    ::_exit(0);
  }
  ::waitpid(child, nullptr, 0);
  write_bytes("parent");
  EXPECT_EQ(output.take(), 11U) << "the two do not write over each other";
  EXPECT_EQ(output.beginning(), "childparent");
  output.give_back();
  EXPECT_EQ(reported(), "");
}

TEST_F(FunctionOutputTest, LeavesNoDescriptorBehind) {
  const int before = ::dup(STDOUT_FILENO);
  { const FunctionOutput output; }
  const int after = ::dup(STDOUT_FILENO);
  ::close(before);
  ::close(after);
  EXPECT_EQ(after, before + 1);
  reported();
}

TEST_F(FunctionOutputTest, WorksWhereStandardOutputIsClosed) {
  const int kept = ::dup(STDOUT_FILENO);
  ::close(STDOUT_FILENO);
  {
    FunctionOutput output;
    output.report() << "to nobody" << std::flush;
    write_bytes("seen");
    EXPECT_EQ(output.take(), 4U);
  }
  ::dup2(kept, STDOUT_FILENO);
  ::close(kept);
  EXPECT_EQ(reported(), "");
}

}  // namespace
}  // namespace poolmark::harness::detail
