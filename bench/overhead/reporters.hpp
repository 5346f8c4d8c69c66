#pragma once

#include <benchmark/benchmark.h>

#include <vector>

#include "overhead/cases.hpp"

namespace bench {

/// A reporter of Google Benchmark that shows names as they were given (without /manual_time and
/// the like) and marks the cells of `failures`, of which the library knows nothing.
template <class Reporter>
class Marking : public Reporter {
 public:
  explicit Marking(const Failures& failures) : failures_(failures) {}

  void ReportRuns(const std::vector<benchmark::BenchmarkReporter::Run>& runs) override {
    auto marked = runs;
    bool failed = false;
    for (auto& run : marked) {
      benchmark::BenchmarkName plain;
      plain.function_name = run.run_name.function_name;
      run.run_name = plain;
      const auto failure = failures_.find(run.run_name.function_name);
      if (failure == failures_.end()) continue;
      failed = true;
      run.error_occurred = true;
      run.error_message = failure->second;
    }
    // A mean of repetitions that failed is none.
    if (failed) {
      std::erase_if(marked, [](const auto& run) { return !run.aggregate_name.empty(); });
    }
    Reporter::ReportRuns(marked);
  }

 private:
  const Failures& failures_;
};

/// The table on the console: medians and their spread (cv), without the library's own words about
/// its build, which docs/measuring.md explains.
class Console : public Marking<benchmark::ConsoleReporter> {
 public:
  Console(const Failures& failures, bool colour) : Marking(failures) {
    output_options_ = colour ? OO_ColorTabular : OO_Tabular;
  }

  void ReportRuns(const std::vector<Run>& runs) override {
    auto shown = runs;
    std::erase_if(shown, [](const Run& run) {
      return run.aggregate_name == "mean" || run.aggregate_name == "stddev";
    });
    Marking::ReportRuns(shown);
  }

  bool ReportContext(const Context& context) override {
    constexpr std::size_t kManualTime = 12;  // "/manual_time", which is not shown
    this->name_field_width_ = context.name_field_width - kManualTime;
    this->printed_header_ = false;
    this->prev_counters_.clear();
    return true;
  }
};

}  // namespace bench
