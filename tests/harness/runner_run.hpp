#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "fake_suite.hpp"

namespace poolmark::harness::detail {

inline constexpr const char* kBaseline = "work/sequential/map/workers:1";
inline constexpr const char* kPool = "work/thread/map/workers:2";

/// A whole run over fake cells: what goes to the results file, and the exit status.
class Runner : public testing::Test {
 protected:
  FakeSuite suite;
  Options options = FakeSuite::two_cells();
  TemporaryFolder folder;
  std::string console;  // what went to standard output
  std::string said;     // what went to standard error

  int run() {
    options.out = (folder / "out.json").string();
    testing::internal::CaptureStdout();
    testing::internal::CaptureStderr();
    const int status = run_suite(suite.matrix, options, "program");
    said = testing::internal::GetCapturedStderr();
    console = testing::internal::GetCapturedStdout();
    return status;
  }

  nlohmann::json report() const { return json_of(folder / "out.json"); }

  /// The repetition indices of a cell in "benchmarks" or "failures".
  std::vector<int> repetitions(const char* list, const std::string& cell) const {
    std::vector<int> found;
    const nlohmann::json file = report();
    for (const nlohmann::json& entry : file[list]) {
      if (entry["name"] == cell) found.push_back(entry["repetition_index"]);
    }
    return found;
  }
};

}  // namespace poolmark::harness::detail
