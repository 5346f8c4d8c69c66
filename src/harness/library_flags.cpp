#include "harness/library_flags.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "harness/grid.hpp"
#include "harness/values.hpp"

namespace poolmark::harness::detail {
namespace {

using Text = const std::string&;

void set_filter(Options& options, Text source, Text value) {
  try {
    NameFilter{value};
  } catch (const UsageError& error) {
    // The same sentence, but naming the environment variable if it came from there.
    const std::string sentence = error.what();
    throw UsageError(source + sentence.substr(sentence.find(':')));
  }
  options.filter = value;
}

void set_repetitions(Options& options, Text source, Text value) {
  options.repetitions = parse_int(source, value, 1, kMostRepetitions, "10");
}

void set_detail(Options& options, bool aggregates_only) {
  options.detail = aggregates_only ? ConsoleDetail::Aggregates : ConsoleDetail::Everything;
}

void set_out_format(Options&, Text source, Text value) {
  if (value == "json") return;
  throw UsageError(fmt::format(
      "{}: '{}' cannot be written: the results file is always json; leave the flag out, or use "
      "--benchmark_format={} for the console.",
      source, value, value == "csv" ? "csv" : "console"));
}

void refuse_perf_counters(Options&, Text source, Text value) {
  if (value.empty()) return;
  throw UsageError(fmt::format(
      "{}: '{}' cannot be counted: this Google Benchmark is built without libpfm, and the workers "
      "would not be seen; leave it out.",
      source, value));
}

void set_context(Options& options, Text source, Text value) {
  for (const std::string& pair : parse_list(source, value)) {
    const auto equals = pair.find('=');
    if (equals == std::string::npos || equals == 0) {
      throw UsageError(fmt::format(
          "{}: '{}' is not a fact: give key=value, several separated by commas.", source, pair));
    }
    options.context[pair.substr(0, equals)] = pair.substr(equals + 1);
  }
}

const std::vector<LibraryFlag> kFlags = {
    {"benchmark_filter", false,
     "Only cells whose name contains this regular expression; -REGEX: all others", set_filter},
    {"benchmark_list_tests", true, "Print the names of the cells and measure nothing",
     [](Options& o, Text s, Text v) { o.list = parse_bool(s, v); }},
    {"benchmark_repetitions", false, "Repetitions of each cell (default 10)", set_repetitions},
    {"benchmark_min_time", false,
     "Seconds a repetition lasts at least, by running more batches (default 0: one batch)",
     [](Options& o, Text s, Text v) { o.min_time_s = parse_seconds(s, v); }},
    {"benchmark_min_warmup_time", false,
     "Seconds each cell runs before its first repetition (default 0)",
     [](Options& o, Text s, Text v) { o.min_warmup_time_s = parse_seconds(s, v); }},
    {"benchmark_enable_random_interleaving", true,
     "Run the repetitions of all cells in random order (default true)",
     [](Options& o, Text s, Text v) { o.interleave = parse_bool(s, v); }},
    {"benchmark_out", false, "Write the results to this file, as JSON",
     [](Options& o, Text, Text v) { o.out = v; }},
    {"benchmark_out_format", false, "Only json", set_out_format},
    {"benchmark_format", false, "What goes to standard output: console, json or csv",
     [](Options& o, Text s, Text v) {
       o.format = static_cast<OutputFormat>(parse_choice(s, v, {"console", "json", "csv"}));
     }},
    {"benchmark_report_aggregates_only", true,
     "Show mean, median, deviation; the results file keeps all",
     [](Options& o, Text s, Text v) { set_detail(o, parse_bool(s, v)); }},
    {"benchmark_display_aggregates_only", true,
     "The same; =false shows each repetition too (default: the median alone)",
     [](Options& o, Text s, Text v) { set_detail(o, parse_bool(s, v)); }},
    {"benchmark_color", false, "Colours on the console: auto, true or false",
     [](Options& o, Text s, Text v) {
       o.colour = v == "auto" ? Colour::Auto : parse_bool(s, v) ? Colour::Yes : Colour::No;
     }},
    {"benchmark_counters_tabular", true, "Counters as columns",
     [](Options& o, Text s, Text v) { o.counters_tabular = parse_bool(s, v); }},
    {"benchmark_perf_counters", false, "Not available", refuse_perf_counters},
    {"benchmark_context", false, "key=value,...: further facts for the results file", set_context},
    {"benchmark_time_unit", false, "Unit of the console: ns, us, ms or s (default ms)",
     [](Options& o, Text s, Text v) {
       parse_choice(s, v, {"ns", "us", "ms", "s"});
       o.time_unit = v;
     }},
    {"v", false, "How much Google Benchmark says of its own work: 0 to 9",
     [](Options& o, Text s, Text v) { o.verbosity = parse_int(s, v, 0, 9, "1"); }},
};

}  // namespace

std::string LibraryFlag::variable() const {
  if (name == "v") return "";
  std::string upper = name;
  std::ranges::transform(upper, upper.begin(), [](char c) {
    return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  });
  return upper;
}

std::span<const LibraryFlag> library_flags() { return kFlags; }

std::vector<std::string> library_arguments(const Options& options, const std::string& executable) {
  return {
      executable,
      "--benchmark_filter=.",  // only the chosen cells are registered
      "--benchmark_list_tests=false",
      fmt::format("--benchmark_repetitions={}", options.repetitions),
      fmt::format("--benchmark_min_time={:.17g}", options.min_time_s),
      fmt::format("--benchmark_min_warmup_time={:.17g}", options.min_warmup_time_s),
      fmt::format("--benchmark_enable_random_interleaving={}", options.interleave),
      "--benchmark_out=",
      "--benchmark_out_format=json",
      "--benchmark_format=console",
      "--benchmark_report_aggregates_only=false",
      "--benchmark_display_aggregates_only=false",
      "--benchmark_color=false",
      fmt::format("--benchmark_counters_tabular={}", options.counters_tabular),
      "--benchmark_perf_counters=",
      fmt::format("--benchmark_time_unit={}", options.time_unit),
      fmt::format("--v={}", options.verbosity),
  };
}

}  // namespace poolmark::harness::detail
