#pragma once

#include <string>
#include <vector>

#include "harness/function_output.hpp"
#include "harness/grid.hpp"
#include "harness/recorder.hpp"
#include "harness/timeline.hpp"
#include "poolmark/harness/options.hpp"

namespace poolmark::harness::detail {

/// Measures `cells` with Google Benchmark and prints as `options` say. What cells throw goes to the
/// recorder's failures, as does a workload's failed self-check. After an interrupt it returns soon,
/// with what has been measured. `tasks[i]` is the number of tasks of a batch of cell i. Of batches
/// with a timeline, `batches[i]` becomes the last one of cell i.
void run_cells(const std::vector<Cell>& cells, const std::vector<std::size_t>& tasks,
               const Options& options, const std::string& executable, Recorder& recorder,
               FunctionOutput& output, LastBatches& batches);

}  // namespace poolmark::harness::detail
