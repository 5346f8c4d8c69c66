#pragma once

#include <string>
#include <vector>

#include "overhead/cases.hpp"

namespace bench {

/// What the command line asks for, beside what Google Benchmark has read of it.
struct CommandLine {
  bool help = false;
  bool list = false;
  bool colour = false;
  bool writes_file = false;  ///< --benchmark_out was given
};

/// Reads the command line and the BENCHMARK_* variables; gives the rest, with our defaults before
/// it, to Google Benchmark. std::invalid_argument with a sentence for what neither knows.
CommandLine read_command_line(int argc, char** argv);

/// The cases that --benchmark_filter chooses, by the names that are printed (the library itself
/// filters names with /manual_time behind them). std::invalid_argument for a bad expression, and
/// for one that matches nothing.
Cases chosen_cases(Cases cases, const std::string& filter);

/// What --help prints.
std::string help_text();

}  // namespace bench
