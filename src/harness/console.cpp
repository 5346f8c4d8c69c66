#include "harness/console.hpp"

#include <benchmark/benchmark.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string_view>
#include <vector>

#include "harness/build_info.hpp"
#include "harness/console_lines.hpp"
#include "harness/machine.hpp"

namespace poolmark::harness::detail {
namespace {

using Rows = std::vector<benchmark::BenchmarkReporter::Run>;

/// Finds out which cell the library has finished, and what the recorder knows of it.
class FinishedCells {
 public:
  FinishedCells(const Options& options, const std::vector<std::string>& names,
                const std::vector<std::size_t>& tasks, const Recorder& recorder)
      : options_(options), names_(names), tasks_(tasks), recorder_(recorder) {}

  /// The library reports a cell's repetitions, and then once more its own aggregates of them.
  std::optional<CellRows> find(const Rows& reported) const {
    if (reported.empty() || reported.front().run_type != CellRows::Row::RT_Iteration) return {};
    const std::string& name = reported.front().run_name.function_name;
    const auto cell = static_cast<std::size_t>(std::ranges::find(names_, name) - names_.begin());
    CellRows rows{name, tasks_.at(cell), options_.repetitions, reported.front().time_unit, {}, {}};
    for (const Sample& sample : recorder_.samples()) {
      if (sample.cell == cell) rows.samples.push_back(sample);
    }
    for (const Failure& failure : recorder_.failures()) {
      if (failure.cell == cell) rows.failures.push_back(failure);
    }
    return rows;
  }

  std::size_t widest_name() const {
    std::size_t widest = 0;
    for (const std::string& name : names_) widest = std::max(widest, name.size());
    return widest;
  }

 private:
  const Options& options_;
  const std::vector<std::string>& names_;
  const std::vector<std::size_t>& tasks_;
  const Recorder& recorder_;
};

class Console final : public benchmark::ConsoleReporter {
 public:
  Console(OutputOptions output, ConsoleDetail detail, FinishedCells cells)
      : ConsoleReporter(output), detail_(detail), cells_(cells) {}

  /// Says nothing of the library's own build type, which the library prints here as a warning:
  /// what is measured is our code, and the run header tells how that was built.
  bool ReportContext(const Context&) override {
    constexpr std::size_t kSuffix = std::string_view("_median").size();
    name_field_width_ = cells_.widest_name() + (detail_ == ConsoleDetail::Median ? 0 : kSuffix);
    return true;
  }

  void ReportRuns(const Rows& reported) override {
    const auto cell = cells_.find(reported);
    if (!cell) return;
    if (detail_ == ConsoleDetail::Everything) {
      show(cell->each_repetition());
    } else {
      show(cell->first_failure());
    }
    show(detail_ == ConsoleDetail::Median ? cell->median_row() : cell->aggregates());
    GetOutputStream().flush();
  }

 private:
  void show(const Rows& rows) {
    if (!rows.empty()) ConsoleReporter::ReportRuns(rows);
  }

  ConsoleDetail detail_;
  FinishedCells cells_;
};

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
class Csv final : public benchmark::CSVReporter {
 public:
  explicit Csv(FinishedCells cells) : cells_(cells) {}

  bool ReportContext(const Context&) override { return true; }

  void ReportRuns(const Rows& reported) override {
    const auto cell = cells_.find(reported);
    if (!cell) return;
    Rows rows = cell->each_repetition();
    // Its header has the counters of the first row, and it aborts on a row with others; a failed
    // row has none.
    for (auto& row : rows) row.counters.clear();
    CSVReporter::ReportRuns(rows);
    GetOutputStream().flush();
  }

 private:
  FinishedCells cells_;
};
#pragma GCC diagnostic pop

class Silence final : public benchmark::BenchmarkReporter {
 public:
  bool ReportContext(const Context&) override { return true; }
  void ReportRuns(const Rows&) override {}
};

bool wants_colour(Colour colour, int fd) {
  if (colour != Colour::Auto) return colour == Colour::Yes;
  const char* no_color = std::getenv("NO_COLOR");  // https://no-color.org
  if (no_color != nullptr && *no_color != '\0') return false;
  const char* terminal = std::getenv("TERM");
  return ::isatty(fd) != 0 && terminal != nullptr && std::string_view(terminal) != "dumb";
}

}  // namespace

std::unique_ptr<benchmark::BenchmarkReporter> make_console(const Options& options,
                                                           const std::vector<std::string>& names,
                                                           const std::vector<std::size_t>& tasks,
                                                           const Recorder& recorder,
                                                           FunctionOutput& output) {
  const FinishedCells cells(options, names, tasks, recorder);
  if (options.format == OutputFormat::Json) return std::make_unique<Silence>();
  std::unique_ptr<benchmark::BenchmarkReporter> console;
  if (options.format == OutputFormat::Csv) {
    console = std::make_unique<Csv>(cells);
  } else {
    int look = benchmark::ConsoleReporter::OO_None;
    if (wants_colour(options.colour, output.report_fd()))
      look |= benchmark::ConsoleReporter::OO_Color;
    if (options.counters_tabular) look |= benchmark::ConsoleReporter::OO_Tabular;
    console = std::make_unique<Console>(
        static_cast<benchmark::ConsoleReporter::OutputOptions>(look), options.detail, cells);
  }
  console->SetOutputStream(&output.report());
  return console;
}

void print_run_header(const Options& options, std::size_t cells) {
  const BuildInfo& build = build_info();
  const Machine machine = read_machine();
  fmt::print(stderr,
             "poolmark {} ({}, {}) on {}, {} usable CPU{}, virtualization {}\n"
             "{} cells, {} repetition{} each{}, {} pools; times are of a whole batch\n",
             build.version, build.build_type, build.compiler, machine.cpu_model,
             machine.usable_cpus, machine.usable_cpus == 1 ? "" : "s", machine.virtualization,
             cells, options.repetitions, options.repetitions == 1 ? "" : "s",
             options.interleave ? " in random order" : "",
             options.pool == PoolMode::Both ? "warm and cold" : to_string(options.pool));
  if (build.build_type != "Release" && build.build_type != "RelWithDebInfo") {
    fmt::print(stderr,
               "This is a {} build: its times say nothing about an optimised one. Build the preset "
               "'release' to measure.\n",
               build.build_type);
  }
}

}  // namespace poolmark::harness::detail
