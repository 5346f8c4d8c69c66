#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "harness/function_output.hpp"
#include "harness/recorder.hpp"
#include "poolmark/harness/options.hpp"

namespace benchmark {
class BenchmarkReporter;
}

namespace poolmark::harness::detail {

/// What is shown on standard output during a run: Google Benchmark's console table (by default one
/// line a cell, the median), its CSV, or nothing for JSON, which is printed at the end.
///
/// The library says when all repetitions of a cell are done; what they were comes from the
/// recorder. `names` are those of the cells and outlive the reporter, as do recorder and output.
std::unique_ptr<benchmark::BenchmarkReporter> make_console(const Options& options,
                                                           const std::vector<std::string>& names,
                                                           const std::vector<std::size_t>& tasks,
                                                           const Recorder& recorder,
                                                           FunctionOutput& output);

/// Two lines for people about what is being measured, on standard error.
void print_run_header(const Options& options, std::size_t cells);

}  // namespace poolmark::harness::detail
