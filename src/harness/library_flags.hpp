#pragma once

#include <span>
#include <string>
#include <vector>

#include "poolmark/harness/options.hpp"

/// The flags and environment variables of Google Benchmark 1.7.1. The library itself takes many a
/// bad value for a good one, or aborts on it, so every value is read here and handed on checked.
namespace poolmark::harness::detail {

struct LibraryFlag {
  std::string name;  // "benchmark_filter"
  bool is_switch;    // alone it means true
  std::string help;
  /// Throws UsageError naming `source`.
  void (*apply)(Options& options, const std::string& source, const std::string& value);

  std::string flag() const { return std::string("--").append(name); }
  /// "BENCHMARK_FILTER"; empty for --v, whose variable would be a mere "V".
  std::string variable() const;
};

std::span<const LibraryFlag> library_flags();

/// Arguments for benchmark::Initialize that say what `options` say, each flag explicitly, so that
/// no environment variable speaks in its place. First the name of the executable.
std::vector<std::string> library_arguments(const Options& options, const std::string& executable);

}  // namespace poolmark::harness::detail
