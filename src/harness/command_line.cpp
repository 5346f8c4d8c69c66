#include "harness/command_line.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <limits>
#include <map>
#include <vector>

#include "harness/build_info.hpp"
#include "harness/library_flags.hpp"
#include "harness/values.hpp"
#include "poolmark/executor.hpp"

namespace poolmark::harness {

std::string_view to_string(Pattern pattern) {
  switch (pattern) {
    case Pattern::Map:
      return "map";
    case Pattern::AsCompleted:
      return "as_completed";
    case Pattern::Wait:
      return "wait";
  }
  return "unknown";
}

std::string_view to_string(PoolMode mode) {
  switch (mode) {
    case PoolMode::Warm:
      return "warm";
    case PoolMode::Cold:
      return "cold";
    case PoolMode::Both:
      return "both";
  }
  return "unknown";
}

namespace detail {
namespace {

/// What our own flags were given, as text; their meaning is read afterwards, so that every bad
/// value gets our sentence.
struct OwnFlags {
  std::string workloads;
  std::string executors;
  std::string patterns;
  std::string workers;
  std::string pool;
  std::string chunksizes;
  std::string batches;
  std::string progress_fd;
  std::string trace;
  std::string timeline = "false";
  std::string long_inputs = "false";
  std::string no_baseline = "false";
  std::string no_self_check = "false";
  bool version = false;
};

std::string examples(const std::string& program, const Matrix& matrix) {
  const std::string workload =
      matrix.workloads.empty() ? "WORKLOAD" : matrix.workloads.front().name;
  return fmt::format(
      "\nExamples:\n"
      "  {0} --benchmark_out=results.json\n"
      "      measure everything, keep every repetition\n"
      "  {0} --workloads={1} --executors=thread,process --patterns=map --workers=1,2,4\n"
      "      one question: which pool, how many workers\n"
      "  {0} --pool=both --workers=2\n"
      "      what making and shutting down the pool costs\n"
      "  {0} --workloads={1} --patterns=map --chunksize=1,4,16,auto\n"
      "      how many elements a worker should take at once\n"
      "  {0} --workloads={1} --workers=2 --trace=trace.json\n"
      "      which worker ran which task when, and where it was idle\n"
      "  {0} --benchmark_list_tests\n"
      "      the names of the cells\n"
      "\nExit status: 0; 1 a cell failed; 2 a bad value; 130 interrupted, what was measured is\n"
      "written. Every BENCHMARK_* environment variable stands for the flag of its name.\n",
      program, workload);
}

void add_own_flags(CLI::App& app, OwnFlags& own, const Matrix& matrix) {
  std::vector<std::string> workloads;
  for (const WorkloadEntry& workload : matrix.workloads) workloads.push_back(workload.name);

  const std::string group = "What is measured";
  const auto option = [&](const std::string& name, std::string& text, const std::string& type,
                          const std::string& help) {
    app.add_option(name, text, help)->take_last()->type_name(type)->group(group);
  };
  option("--workloads", own.workloads, "LIST",
         fmt::format("Of {} (default: all)", fmt::join(workloads, ", ")));
  option("--executors", own.executors, "LIST",
         fmt::format("Of {} (default: all)", fmt::join(matrix.executors, ", ")));
  option("--patterns", own.patterns, "LIST", "Of map, as_completed, wait (default: all)");
  option("--workers", own.workers, "LIST",
         fmt::format("Numbers of workers, 1 to {} (default: each workload's own); the sequential "
                     "executor always has 1, and async, an event loop, has so many tasks under way",
                     kMaxWorkersLimit));
  option(
      "--pool", own.pool, "warm|cold|both",
      "warm: time the batch alone (default); cold: with making and shutting down the pool; both: "
      "one beside the other, the cold cells' names end in /cold");
  option(
      "--chunksize", own.chunksizes, "LIST",
      "Elements of a pool's map that a worker takes at once, a cell for each: numbers from 1, or "
      "auto, by time (default: auto)");
  option(
      "--batches", own.batches, "N",
      "Batches of a repetition, one after the other on one pool, whose mean it reports: the same "
      "number in every build, where --benchmark_min_time asks for what a clock decides");
  option("--progress-fd", own.progress_fd, "N",
         "Write one JSON object a line to this descriptor as repetitions end");
  option("--trace", own.trace, "FILE",
         "Write what each worker did when, in the last batch of each cell, as trace events: open "
         "FILE at https://ui.perfetto.dev or chrome://tracing. Implies --timeline");
  app.add_flag("--timeline", own.timeline,
               "Note when each task runs: adds head_of_line_ns, busy_ns and idle_share to the "
               "results, costs each task some 250 ns; async has none")
      ->group(group);
  app.add_flag("--long", own.long_inputs, "Measure the workloads' long inputs")->group(group);
  app.add_flag("--no-baseline", own.no_baseline,
               "Leave out the sequential baselines, and with them speed-ups")
      ->group(group);
  app.add_flag("--no-self-check", own.no_self_check,
               "Leave out the workloads' proofs that they are measured as what they are: for a "
               "program that has given them before")
      ->group(group);
  app.add_flag("--version", own.version, "Print the version");
}

std::vector<int> parse_workers(const std::string& text) {
  std::vector<int> counts;
  for (const std::string& part : parse_list("--workers", text)) {
    counts.push_back(parse_int("--workers", part, 1, kMaxWorkersLimit, "--workers=1,2,4"));
  }
  return counts;
}

std::vector<std::optional<int>> parse_chunksizes(const std::string& text) {
  std::vector<std::optional<int>> sizes;
  for (const std::string& part : parse_list("--chunksize", text)) {
    if (part == "auto") {
      sizes.emplace_back();
    } else {
      sizes.emplace_back(
          parse_int("--chunksize", part, 1, kMostChunksize, "--chunksize=1,4,16,auto"));
    }
  }
  return sizes;
}

void read_own_flags(const OwnFlags& own, Options& options) {
  if (!own.workloads.empty()) options.workloads = parse_list("--workloads", own.workloads);
  if (!own.executors.empty()) options.executors = parse_list("--executors", own.executors);
  if (!own.patterns.empty()) {
    for (const std::string& name : parse_list("--patterns", own.patterns)) {
      const auto index = parse_choice("--patterns", name, {"map", "as_completed", "wait"});
      options.patterns.push_back(static_cast<Pattern>(index));
    }
  }
  if (!own.workers.empty()) options.workers = parse_workers(own.workers);
  if (!own.pool.empty()) {
    options.pool =
        static_cast<PoolMode>(parse_choice("--pool", own.pool, {"warm", "cold", "both"}));
  }
  if (!own.chunksizes.empty()) options.chunksizes = parse_chunksizes(own.chunksizes);
  if (!own.batches.empty()) {
    options.batches = parse_int("--batches", own.batches, 1, kMostBatches, "--batches=5");
  }
  if (!own.progress_fd.empty()) {
    options.progress_fd = parse_int("--progress-fd", own.progress_fd, 1,
                                    std::numeric_limits<int>::max(), "--progress-fd=3");
  }
  options.trace = own.trace;
  options.timeline = parse_bool("--timeline", own.timeline);
  options.long_inputs = parse_bool("--long", own.long_inputs);
  options.baseline = !parse_bool("--no-baseline", own.no_baseline);
  options.self_check = !parse_bool("--no-self-check", own.no_self_check);
}

/// Own flags that were given an empty value would otherwise look like flags not given.
void refuse_empty_values(const CLI::App& app) {
  for (const CLI::Option* option : app.get_options()) {
    if (option->get_group() != "What is measured" || option->count() == 0) continue;
    if (option->results().back().empty()) {
      throw UsageError(fmt::format("{}: the value is empty: give one, or leave the flag out.",
                                   option->get_name()));
    }
  }
}

/// CLI11 takes "--flag=" for a flag whose value is the next argument.
std::vector<std::string> split_empty_values(int argc, const char* const* argv) {
  std::vector<std::string> arguments;
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    if (argument.starts_with("--") && argument.find('=') == argument.size() - 1) {
      arguments.push_back(argument.substr(0, argument.size() - 1));
      arguments.emplace_back();
    } else {
      arguments.push_back(argument);
    }
  }
  return arguments;
}

void parse(CLI::App& app, int argc, const char* const* argv) {
  std::vector<std::string> arguments = split_empty_values(argc, argv);
  std::ranges::reverse(arguments);  // the order CLI11 takes a vector in
  try {
    app.parse(std::move(arguments));
  } catch (const CLI::CallForHelp&) {
    throw;
  } catch (const CLI::ParseError& error) {
    throw UsageError(fmt::format("{}: --help shows every flag with its values.", error.what()));
  }
  if (!app.remaining().empty()) {
    throw UsageError(fmt::format("'{}' is not a flag of this program: --help lists them.",
                                 app.remaining().front()));
  }
}

void apply_library_flags(const CLI::App& app, const std::map<std::string, std::string>& given,
                         Options& options) {
  for (const LibraryFlag& flag : library_flags()) {
    if (app.count(flag.flag()) > 0) {
      flag.apply(options, flag.flag(), given.at(flag.name));
    } else if (const char* value =
                   flag.variable().empty() ? nullptr : std::getenv(flag.variable().c_str())) {
      flag.apply(options, flag.variable(), value);
    }
  }
}

}  // namespace

CommandLine read_command_line(const Matrix& matrix, int argc, const char* const* argv) {
  const std::string program =
      argc > 0 ? std::filesystem::path(argv[0]).filename().string() : "program";
  CLI::App app(
      "Measures how work scales: every workload on every executor, with every way of "
      "collecting results.",
      program);
  app.allow_extras();
  app.footer(examples(program, matrix));

  OwnFlags own;
  add_own_flags(app, own, matrix);
  std::map<std::string, std::string> given;
  for (const LibraryFlag& flag : library_flags()) {
    std::string& text = given[flag.name];
    CLI::Option* option = flag.is_switch ? app.add_flag(flag.flag(), text, flag.help)
                                         : app.add_option(flag.flag(), text, flag.help);
    option->take_last()->group("Google Benchmark's");
    if (!flag.is_switch) option->type_name("");
  }

  CommandLine line;
  try {
    parse(app, argc, argv);
  } catch (const CLI::CallForHelp&) {
    line.answer = app.help();
    return line;
  }
  if (own.version) {
    line.answer =
        fmt::format("{} of poolmark {} ({})\n", program, build_info().version, build_info().commit);
    return line;
  }
  refuse_empty_values(app);
  read_own_flags(own, line.options);
  apply_library_flags(app, given, line.options);
  return line;
}

}  // namespace detail
}  // namespace poolmark::harness
