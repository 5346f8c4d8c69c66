#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "commands.hpp"

// The program bench/at_once, as scripts/at-once runs it.
namespace bench::test {
namespace {

using nlohmann::json;
using testing::HasSubstr;

/// What the program says.
std::string run(int expected_status, const std::string& arguments) {
  const Said said = run_command(POOLMARK_AT_ONCE " " + arguments);
  EXPECT_EQ(said.status, expected_status) << said.text;
  return said.text;
}

constexpr int kOfASanitizer = 1;  // clang's for threads starts one of its own

TEST(AtOnce, MeasuresNapsAndDownloadsInBothWays) {
  for (const std::string work : {"sleep", "download"}) {
    for (const std::string way : {"loop", "threads"}) {
      const json said =
          json::parse(run(0, "--work=" + work + " --way=" + way + " --count=20 --latency-ms=1"));
      for (const char* batch : {"first", "second"}) {
        EXPECT_GE(said[batch]["wall_ns"], 1'000'000) << "no task takes less than its latency";
        EXPECT_GT(said[batch]["cpu_ns"], 0);
      }
      const int threads = said["threads"];
      const int most = (way == "loop" ? 2 : 21) + kOfASanitizer;
      EXPECT_THAT(threads, testing::AllOf(testing::Ge(2), testing::Le(most))) << work << way;
      EXPECT_GT(said["memory_bytes"], 0);
      EXPECT_TRUE(said["context"].contains("cpu_model"));
    }
  }
}

TEST(AtOnce, RefusesWhatCannotBe) {
  EXPECT_THAT(run(2, "--count=0"), HasSubstr("at_once: --count: "));
  EXPECT_THAT(run(2, "--work=dream"), HasSubstr("--help shows what is allowed"));
  EXPECT_THAT(run(2, "--way"), HasSubstr("--help shows what is allowed"));
  EXPECT_THAT(run(0, "--help"), HasSubstr("at_once --work=download --way=loop --count=1000"));
}

TEST(AtOnce, SaysHowManyDescriptorsItNeeds) {
  const Said said = run_command("ulimit -n 200; " POOLMARK_AT_ONCE " --work=download --count=1000");
  EXPECT_EQ(said.status, 2);
  EXPECT_THAT(said.text,
              HasSubstr("1000 downloads at once need 1064 descriptors, and this process may have "
                        "200: allow it more (ulimit -n), or ask for fewer at once"));
}

}  // namespace
}  // namespace bench::test
