#include "harness/console_lines.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace poolmark::harness::detail {
namespace {

using Row = CellRows::Row;

constexpr double kNsPerSecond = 1e9;
constexpr const char* kRate = "tasks_per_second";

/// The three figures of a row, each for all samples of a cell.
struct Columns {
  std::vector<double> real_s;
  std::vector<double> cpu_s;
  std::vector<double> tasks_per_second;
};

Columns columns_of(const CellRows& cell) {
  Columns columns;
  for (const Sample& sample : cell.samples) {
    columns.real_s.push_back(sample.real_ns / kNsPerSecond);
    columns.cpu_s.push_back(sample.cpu_ns / kNsPerSecond);
    columns.tasks_per_second.push_back(static_cast<double>(cell.tasks) / columns.real_s.back());
  }
  return columns;
}

/// Fills in a statistic of each column. The reporters divide times by the number of iterations.
template <class Statistic>
Row with_figures(Row row, const Columns& columns, std::size_t iterations, Statistic statistic) {
  row.iterations = static_cast<benchmark::IterationCount>(iterations);
  row.real_accumulated_time = statistic(columns.real_s) * static_cast<double>(iterations);
  row.cpu_accumulated_time = statistic(columns.cpu_s) * static_cast<double>(iterations);
  row.counters[kRate] =
      benchmark::Counter(statistic(columns.tasks_per_second), benchmark::Counter::kIsRate);
  return row;
}

double mean(const std::vector<double>& values) {
  double sum = 0;
  for (const double value : values) sum += value;
  return sum / static_cast<double>(values.size());
}

double standard_deviation(const std::vector<double>& values) {
  const double middle = mean(values);
  double squares = 0;
  for (const double value : values) squares += (value - middle) * (value - middle);
  return std::sqrt(squares / static_cast<double>(values.size() - 1));
}

}  // namespace

Row CellRows::row() const {
  Row result;
  result.run_name.function_name = name;
  result.family_index = 0;
  result.per_family_instance_index = 0;
  result.threads = 1;
  result.repetitions = repetitions;
  result.repetition_index = Row::no_repetition_index;
  result.time_unit = unit;
  result.statistics = nullptr;
  return result;
}

Row CellRows::failed(const Failure& failure) const {
  Row result = row();
  result.repetition_index = failure.repetition;
  result.error_occurred = true;
  result.error_message = failure.message;
  return result;
}

std::vector<Row> CellRows::each_repetition() const {
  std::vector<Row> rows;
  for (const Failure& failure : failures) rows.push_back(failed(failure));
  const Columns columns = columns_of(*this);
  for (std::size_t i = 0; i < samples.size(); ++i) {
    Row one = row();
    one.repetition_index = samples[i].repetition;
    rows.push_back(with_figures(one, columns, static_cast<std::size_t>(samples[i].iterations),
                                [i](const std::vector<double>& column) { return column[i]; }));
  }
  std::ranges::sort(rows, {}, &Row::repetition_index);
  return rows;
}

std::vector<Row> CellRows::first_failure() const {
  if (failures.empty()) return {};
  Row result = failed(failures.front());
  result.error_message = fmt::format("{} ({} of {} repetitions failed)", failures.front().message,
                                     failures.size(), repetitions);
  return {result};
}

std::vector<Row> CellRows::median_row() const {
  if (samples.empty()) return {};
  return {with_figures(row(), columns_of(*this), samples.size(), median)};
}

std::vector<Row> CellRows::aggregates() const {
  if (samples.size() < 2) return {};
  const Columns columns = columns_of(*this);
  const auto aggregate = [&](const char* statistic_name, auto statistic) {
    Row result = row();
    result.run_type = Row::RT_Aggregate;
    result.aggregate_name = statistic_name;
    return with_figures(result, columns, samples.size(), statistic);
  };
  const auto variation = [](const std::vector<double>& v) {
    return standard_deviation(v) / mean(v);
  };
  std::vector<Row> rows = {aggregate("mean", mean), aggregate("median", median),
                           aggregate("stddev", standard_deviation), aggregate("cv", variation)};
  // The reporters take a percentage as it is.
  Row& percentage = rows.back();
  percentage.aggregate_unit = benchmark::kPercentage;
  percentage.real_accumulated_time /= static_cast<double>(percentage.iterations);
  percentage.cpu_accumulated_time /= static_cast<double>(percentage.iterations);
  return rows;
}

}  // namespace poolmark::harness::detail
