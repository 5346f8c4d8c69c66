#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "poolmark/harness/options.hpp"

/// Reading the values of flags and environment variables. `source` is what the sentence of a
/// UsageError names: "--workers" or "BENCHMARK_REPETITIONS".
namespace poolmark::harness::detail {

int parse_int(const std::string& source, const std::string& text, int least, int most,
              const std::string& example);

/// Seconds, not negative, without a unit.
double parse_seconds(const std::string& source, const std::string& text);

bool parse_bool(const std::string& source, const std::string& text);

inline constexpr int kMostRepetitions = 100'000;
inline constexpr int kMostBatches = 100'000;
inline constexpr int kMostChunksize = 1'000'000;

/// One of `allowed`; returns its index.
std::size_t parse_choice(const std::string& source, const std::string& text,
                         const std::vector<std::string>& allowed);

/// The parts of a comma-separated list, none of them empty.
std::vector<std::string> parse_list(const std::string& source, const std::string& text);

/// For options that no command line has passed through: throws UsageError if a number is out of
/// range.
void check_options(const Options& options);

}  // namespace poolmark::harness::detail
