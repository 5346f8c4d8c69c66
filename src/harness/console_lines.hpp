#pragma once

#include <benchmark/benchmark.h>

#include <cstddef>
#include <string>
#include <vector>

#include "harness/recorder.hpp"

/// Rows for Google Benchmark's reporters, made from our own samples. The library's rows would carry
/// "/manual_time" in their names, and its aggregates would count repetitions that failed.
namespace poolmark::harness::detail {

struct CellRows {
  using Row = benchmark::BenchmarkReporter::Run;

  std::string name;
  std::size_t tasks = 0;
  int repetitions = 0;
  benchmark::TimeUnit unit = benchmark::kMillisecond;
  std::vector<Sample> samples;
  std::vector<Failure> failures;

  /// Each repetition, failed or not, in order.
  std::vector<Row> each_repetition() const;
  /// The first failure, if there is one.
  std::vector<Row> first_failure() const;
  /// The median of the repetitions, under the cell's own name; none without a sample.
  std::vector<Row> median_row() const;
  /// Mean, median, standard deviation and coefficient of variation; none with fewer than two
  /// samples.
  std::vector<Row> aggregates() const;

 private:
  Row row() const;
  Row failed(const Failure& failure) const;
};

}  // namespace poolmark::harness::detail
