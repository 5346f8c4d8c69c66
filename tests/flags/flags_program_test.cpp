#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <set>
#include <string>
#include <vector>

#include "fake_suite.hpp"
#include "files.hpp"
#include "flags/images.hpp"
#include "flags/server.hpp"
#include "http/client.hpp"
#include "program.hpp"

// The program bench/flags, as a user runs it.
namespace bench::test {
namespace {

using nlohmann::json;
using poolmark::harness::detail::json_of;
using poolmark::harness::detail::Program;
using poolmark::harness::detail::TemporaryFolder;
using testing::AllOf;
using testing::HasSubstr;

class FlagsProgram : public testing::Test {
 protected:
  TemporaryFolder folder_;
  std::string said_;

  json run(int expected_status, std::vector<std::string> arguments) {
    arguments.push_back("--benchmark_repetitions=2");
    arguments.push_back("--benchmark_out=" + (folder_ / "out.json").string());
    {
      Program program(POOLMARK_FLAGS, arguments, folder_ / "words");
      EXPECT_EQ(program.wait(), expected_status);
    }
    said_ = content_of(folder_ / "words");
    return std::filesystem::exists(folder_ / "out.json") ? json_of(folder_ / "out.json") : json();
  }
};

TEST_F(FlagsProgram, DownloadsInEveryWay) {
  const json report = run(0, {"--latency=0ms..2ms", "--workers=4"});
  EXPECT_EQ(report["failures"], json::array()) << said_;
  std::set<std::string> names;
  for (const json& entry : report["benchmarks"]) {
    names.insert(entry["name"]);
    EXPECT_EQ(entry["tasks"], 20);
  }
  EXPECT_EQ(names.size(), 1U + 3U * 3U) << "one after the other, and three executors in three ways";
  EXPECT_TRUE(names.contains("flags/async/as_completed/workers:4"));
}

TEST_F(FlagsProgram, SavesWhatItDownloads) {
  std::filesystem::create_directory(folder_ / "downloaded");
  run(0, {"--latency=0ms", "--executors=async", "--workers=20", "--patterns=map",
          "--save=" + (folder_ / "downloaded").string()});
  std::size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder_ / "downloaded")) {
    const flags::Image* const image = flags::find_image(entry.path().stem().string());
    ASSERT_NE(image, nullptr) << entry.path();
    EXPECT_EQ(content_of(entry.path()), image->bytes);
    ++files;
  }
  EXPECT_EQ(files, 20U);
}

TEST_F(FlagsProgram, DownloadsFromAnotherServer) {
  const flags::Server server({std::chrono::nanoseconds(0), std::chrono::nanoseconds(0), 1});
  const json report = run(0, {"--base-url=" + server.base_url() + "/", "--first=8", "--nap=1ms",
                              "--executors=thread", "--workers=8", "--patterns=map"});
  EXPECT_EQ(report["failures"], json::array());
  for (const json& entry : report["benchmarks"]) EXPECT_EQ(entry["tasks"], 8);
}

TEST_F(FlagsProgram, TellsOfFailuresAndEndsWithOne) {
  const flags::Server server({std::chrono::nanoseconds(0), std::chrono::nanoseconds(0), 1});
  for (const auto& [directory, message] :
       {std::pair{flags::kError, "the server answered 500"},
        std::pair{flags::kCut, "the connection ended within the answer"}}) {
    const json report =
        run(1, {"--base-url=" + server.base_url(directory), "--workers=4", "--patterns=map"});
    EXPECT_EQ(report["benchmarks"], json::array());
    EXPECT_EQ(report["failures"].size(), 4U * 2U);
    for (const json& failure : report["failures"]) {
      EXPECT_THAT(failure["message"].get<std::string>(), HasSubstr(message));
    }
  }
}

TEST_F(FlagsProgram, RefusesWhatCannotBe) {
  const std::vector<std::pair<std::string, std::string>> refused = {
      {"--timeout=0s", "--timeout: '0s' is no time to wait"},
      {"--timeout=soon", "--timeout: 'soon' is no time"},
      {"--nap=1", "--nap: '1' is no time"},
      {"--nap=-1s", "--nap: '-1s' is no time"},
      {"--first=21", "--first: '21' is out of range: give a whole number from 1 to 20"},
      {"--first=1x", "--first: '1x' is not a whole number: give a whole number from 1 to 20"},
      {"--latency=80ms..20ms", "begins with the longer time"},
      {"--latency-seed=-1", "--latency-seed: '-1' is out of range: give a whole number from 0"},
      {"--save=" + (folder_ / "none").string(), "is no directory"},
      {"--executors=fibers", "there is no executor 'fibers'"},
  };
  for (const auto& [argument, message] : refused) {
    run(2, {argument});
    EXPECT_THAT(said_, HasSubstr(message)) << argument;
  }
  EXPECT_FALSE(std::filesystem::exists(folder_ / "out.json"));
}

TEST_F(FlagsProgram, RefusesAMalformedAddress) {
  const json report = run(1, {"--base-url=http://[", "--executors=async", "--workers=2"});
  EXPECT_THAT(said_, HasSubstr("cannot be fetched"));
}

}  // namespace
}  // namespace bench::test
