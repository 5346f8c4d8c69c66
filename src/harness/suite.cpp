#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <cstdio>
#include <exception>
#include <filesystem>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "harness/command_line.hpp"
#include "harness/console.hpp"
#include "harness/function_output.hpp"
#include "harness/grid.hpp"
#include "harness/interrupt.hpp"
#include "harness/json_report.hpp"
#include "harness/output_file.hpp"
#include "harness/progress.hpp"
#include "harness/recorder.hpp"
#include "harness/runner.hpp"
#include "harness/trace_report.hpp"
#include "harness/values.hpp"
#include "poolmark/harness/detail/checks.hpp"
#include "poolmark/harness/detail/subject.hpp"
#include "poolmark/process_pool_executor.hpp"

namespace poolmark::harness::detail {
namespace {

constexpr int kFailedStatus = 1;
constexpr int kUsageStatus = 2;

std::vector<std::string> names_of(const std::vector<Cell>& cells) {
  std::vector<std::string> names;
  for (const Cell& cell : cells) names.push_back(cell.name());
  return names;
}

void list_cells(const std::vector<Cell>& cells, const std::vector<std::string>& holes,
                const Options& options, const std::string& executable) {
  const std::vector<std::string> names = names_of(cells);
  if (options.format == OutputFormat::Json) {
    fmt::print("{}", json_listing(options, executable, names, holes));
    return;
  }
  for (const std::string& name : names) fmt::print("{}\n", name);
}

std::vector<std::size_t> count_tasks(const std::vector<Cell>& cells, bool long_inputs) {
  std::vector<std::size_t> tasks;
  for (const Cell& cell : cells) tasks.push_back(cell.subject->use_inputs(long_inputs));
  return tasks;
}

Recorder make_recorder(const Options& options, const std::vector<std::string>& names,
                       Progress& progress) {
  return Recorder(names.size(), options.min_time_s, options.min_warmup_time_s,
                  {.on_sample = [&](const Sample& s) { progress.sample(names[s.cell], s); },
                   .on_failure = [&](const Failure& f) { progress.failure(names[f.cell], f); }});
}

/// Once each workload that has a cell.
void set_up_workloads(const std::vector<Cell>& cells) {
  std::set<const WorkloadEntry*> seen;
  for (const Cell& cell : cells) {
    if (!cell.workload->set_up || !seen.insert(cell.workload).second) continue;
    try {
      cell.workload->set_up();
    } catch (...) {
      cell.workload->broken = what_was_thrown();
    }
  }
}

/// Said once, at the end of a run whose functions print.
void tell_of(const FunctionOutput& output) {
  if (output.total() == 0) return;
  fmt::print(stderr,
             "The measured functions wrote {} bytes to standard output, beginning with '{}': they "
             "were kept out of the report, but writing them took part of the measured time.\n",
             output.total(), shortened(output.beginning()));
}

struct OutputFiles {
  std::optional<OutputFile> results;
  std::optional<OutputFile> trace;

  /// Throws UsageError if one cannot be written.
  explicit OutputFiles(const Options& options) {
    if (!options.out.empty()) results.emplace(options.out);
    if (!options.trace.empty()) trace.emplace(options.trace, "--trace");
    if (results && trace && results->replaces(*trace)) {
      throw UsageError(fmt::format(
          "--trace: '{}' is the file of --benchmark_out too: give each a file of its own.",
          options.trace));
    }
  }
};

void tell_another_clock(const std::vector<std::string>& names, const LastBatches& batches) {
  for (std::size_t i = 0; i < batches.size(); ++i) {
    const auto why = batches[i] ? another_clock(batches[i]->timeline) : std::nullopt;
    if (why) fmt::print(stderr, "{} has no timeline: {}.\n", names[i], *why);
  }
}

void write_trace(const RunFacts& run, const LastBatches& batches, const OutputFile& file) {
  file.write(trace_report(run, batches));
  fmt::print(stderr, "What the workers did is in {}: open it at https://ui.perfetto.dev\n",
             run.options.trace);
}

/// What standard error says at the end of a run that did not go well; returns the exit status.
int conclude(const Recorder& recorder, const std::vector<std::string>& names,
             const Options& options) {
  const auto& failures = recorder.failures();
  if (!failures.empty()) {
    fmt::print(stderr, "{} repetition{} failed; the first: {}: {}\n", failures.size(),
               failures.size() == 1 ? "" : "s", names[failures.front().cell],
               failures.front().message);
  }
  if (interrupted()) {
    fmt::print(stderr, "Interrupted: {} repetitions were measured{}.\n", recorder.samples().size(),
               options.out.empty() ? "" : fmt::format(" and are in {}", options.out));
    return kInterruptedStatus;
  }
  return failures.empty() ? 0 : kFailedStatus;
}

}  // namespace

int run_suite(Matrix& matrix, const Options& options, const std::string& executable) {
  // 1. Options: everything that can be refused is refused before anything is measured.
  check_options(options);
  const std::vector<Cell> cells = choose_cells(matrix, options);
  if (options.list) {
    list_cells(cells, left_out(matrix, options), options, executable);
    return 0;
  }
  const OutputFiles files(options);
  FunctionOutput output;  // before the zygote, so that worker processes print there too
  Progress progress(options.progress_fd == STDOUT_FILENO ? output.report_fd()
                                                         : options.progress_fd);

  // 2. What workloads bring along, then the zygote, the process that workers are forked from: both
  // while this one has a single thread.
  {
    const InterruptsIgnored for_the_workers;
    set_up_workloads(cells);
    start_zygote();
  }
  const InterruptListener listener;

  // 3. Threads and pools: made and shut down by each cell in its turn.
  const std::vector<std::string> names = names_of(cells);
  const std::vector<std::size_t> tasks = count_tasks(cells, options.long_inputs);
  Recorder recorder = make_recorder(options, names, progress);
  print_run_header(options, cells.size());
  const std::vector<std::string> holes = left_out(matrix, options);
  if (!holes.empty()) fmt::print(stderr, "{}\n", fmt::join(holes, "\n"));
  progress.plan(names, options.repetitions);
  LastBatches batches(cells.size());
  run_cells(cells, tasks, options, executable, recorder, output, batches);
  output.give_back();

  const RunFacts run{options, cells, tasks, recorder, executable, interrupted(), holes};
  if (files.results || options.format == OutputFormat::Json) {
    const std::string report = json_report(run);
    if (options.format == OutputFormat::Json) fmt::print("{}", report);
    if (files.results) files.results->write(report);
  }
  tell_of(output);
  tell_another_clock(names, batches);
  if (files.trace) write_trace(run, batches, *files.trace);
  return conclude(recorder, names, options);
}

int suite_main(Matrix& matrix, int argc, char** argv) {
  const std::string executable = argc > 0 ? argv[0] : "program";
  const auto complain = [&](const std::exception& error) {
    fmt::print(stderr, "{}: {}\n", std::filesystem::path(executable).filename().string(),
               error.what());
  };
  try {
    const CommandLine line = read_command_line(matrix, argc, argv);
    if (line.answer) {
      fmt::print("{}", *line.answer);
      return 0;
    }
    return run_suite(matrix, line.options, executable);
  } catch (const UsageError& error) {
    complain(error);
    return kUsageStatus;
  } catch (const std::exception& error) {
    complain(error);
    return kFailedStatus;
  }
}

}  // namespace poolmark::harness::detail
