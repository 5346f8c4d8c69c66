#pragma once

#include <string>

#include "harness/json_report.hpp"
#include "harness/timeline.hpp"

namespace poolmark::harness::detail {

/// The trace file: the last batch of each cell, a group of rows each, all beginning at 0 so that
/// they can be compared. docs/results-format.md describes it. Cells that cannot be drawn are listed
/// in its otherData with the reason.
std::string trace_report(const RunFacts& run, const LastBatches& batches);

}  // namespace poolmark::harness::detail
