#pragma once

#include <string>
#include <vector>

#include "harness/grid.hpp"
#include "harness/recorder.hpp"
#include "poolmark/harness/options.hpp"

namespace poolmark::harness::detail {

struct RunFacts {
  const Options& options;
  const std::vector<Cell>& cells;
  const std::vector<std::size_t>& tasks;  // of each cell
  const Recorder& recorder;
  std::string executable;
  bool partial = false;  // interrupted
  std::vector<std::string> left_out = {};
};

/// The results file: the format is described in docs/results-format.md. Valid JSON in UTF-8,
/// whatever the numbers and messages are: what is not finite is left out, what is not UTF-8 is
/// replaced.
std::string json_report(const RunFacts& run);

/// What a driver of this program wants to know before it measures: `schema_version`, the `context`
/// that a results file of these options would have, and the names of the `cells`. `left_out` are
/// the sentences about what could not be among them.
std::string json_listing(const Options& options, const std::string& executable,
                         const std::vector<std::string>& cells,
                         const std::vector<std::string>& left_out);

}  // namespace poolmark::harness::detail
