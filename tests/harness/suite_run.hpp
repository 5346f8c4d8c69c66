#pragma once

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "fake_suite.hpp"

namespace poolmark::harness {

/// Runs a suite as its main() would be run, and keeps what it says.
class SuiteRun : public testing::Test {
 protected:
  detail::TemporaryFolder folder;
  std::string said;
  std::string printed;

  template <class S>
  int main_of(S& suite, std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "program");
    std::vector<char*> pointers;
    for (std::string& argument : arguments) pointers.push_back(argument.data());
    testing::internal::CaptureStdout();
    testing::internal::CaptureStderr();
    const int status = suite.main(static_cast<int>(pointers.size()), pointers.data());
    said = testing::internal::GetCapturedStderr();
    printed = testing::internal::GetCapturedStdout();
    return status;
  }

  template <class S>
  nlohmann::json measure(S& suite, int expected_status, std::vector<std::string> arguments = {}) {
    arguments.push_back("--benchmark_repetitions=2");
    arguments.push_back("--benchmark_out=" + (folder / "out.json").string());
    EXPECT_EQ(main_of(suite, std::move(arguments)), expected_status) << said;
    return detail::json_of(folder / "out.json");
  }
};

}  // namespace poolmark::harness
