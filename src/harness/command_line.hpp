#pragma once

#include <optional>
#include <string>

#include "poolmark/harness/detail/subject.hpp"
#include "poolmark/harness/options.hpp"

namespace poolmark::harness::detail {

struct CommandLine {
  Options options;
  /// What to print, and nothing else to do: --help, --version.
  std::optional<std::string> answer;
};

/// Reads flags and BENCHMARK_* variables; a flag goes before its variable. Throws UsageError for
/// an unknown flag and for a bad value. What only the suite knows, names of workloads and
/// executors, choose_cells() checks; `matrix` serves the help.
CommandLine read_command_line(const Matrix& matrix, int argc, const char* const* argv);

}  // namespace poolmark::harness::detail
