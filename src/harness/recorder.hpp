#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "harness/kept_batches.hpp"
#include "poolmark/harness/detail/subject.hpp"

/// What a run has measured so far.
namespace poolmark::harness::detail {

/// One repetition of a cell, all times nanoseconds of one iteration.
struct Sample {
  std::size_t cell = 0;
  int repetition = 0;
  std::int64_t iterations = 1;
  double real_ns = 0;
  double cpu_ns = 0;               // of the calling thread
  double first_result_ns = 0;      // from the start of the batch until the caller has a result
  double submit_ns = 0;            // until all tasks were submitted, or until the map had begun
  double cpu_total_ns = 0;         // of all threads and worker processes
  double stdout_bytes = 0;         // that the tasks wrote to standard output
  std::optional<Traffic> traffic;  // with worker processes
  double head_of_line_ns = 0;      // of a run with a timeline, as the next: see TimelineNumbers
  double busy_ns = 0;
  std::optional<double> median_batch_ns;  // not of the sums: from the times of each iteration
};

struct Failure {
  std::size_t cell = 0;
  int repetition = 0;
  std::string message;
};

/// What one call of a benchmark function by the library came to.
struct Attempt {
  std::int64_t iterations = 1;
  double seconds = 0;                           // what SetIterationTime() was given in all
  Sample sums;                                  // of all iterations
  std::vector<double> batch_ns;                 // of each iteration, if their number is the user's
  std::vector<std::vector<double>> task_times;  // an iteration each, if the tasks were timed
  KeptBatches batches;                          // as the caller saw them
};

/// Tells which calls of a benchmark function are a repetition. Google Benchmark 1.7.1 repeats the
/// call with more iterations until it lasted --benchmark_min_time, in the first repetition only,
/// and before that as warm-up until --benchmark_min_warmup_time; only the last such call counts.
/// It does not tell the function which one that is, so its rule is followed here.
class RepetitionCounter {
 public:
  RepetitionCounter(double min_time_s, double min_warmup_time_s)
      : min_time_s_(min_time_s),
        min_warmup_time_s_(min_warmup_time_s),
        phase_(min_warmup_time_s > 0 ? Phase::kWarmUp : Phase::kFirst) {}

  /// Whether the call that has just ended is one.
  bool counts(std::int64_t iterations, double seconds);

 private:
  enum class Phase {
    kWarmUp,  // calls are thrown away
    kFirst,   // calls count once they are long enough
    kLater,   // every call counts
  };

  double min_time_s_;
  double min_warmup_time_s_;
  Phase phase_;
};

class Recorder {
 public:
  struct Events {
    std::function<void(const Sample&)> on_sample;
    std::function<void(const Failure&)> on_failure;
  };

  Recorder(std::size_t cells, double min_time_s, double min_warmup_time_s, Events events);

  /// A call of cell `cell` measured all its iterations, or failed.
  void add(std::size_t cell, const Attempt& attempt);
  void add_failure(std::size_t cell, const Attempt& attempt, const std::string& message);

  const std::vector<Sample>& samples() const { return samples_; }
  const std::vector<Failure>& failures() const { return failures_; }
  /// Medians of the times of each task of a cell over all its iterations; empty if not timed.
  std::vector<double> task_medians(std::size_t cell) const;
  /// What the caller saw of a cell's batches in all its repetitions.
  const KeptBatches& batches(std::size_t cell) const { return cells_[cell].batches; }
  /// Median real time of a cell in ns; 0 if it has no sample.
  double median_real_ns(std::size_t cell) const;

 private:
  struct CellRecord {
    RepetitionCounter counter;
    int repetitions_done = 0;
    std::vector<std::vector<double>> task_times;
    KeptBatches batches;
  };

  std::vector<CellRecord> cells_;
  std::vector<Sample> samples_;
  std::vector<Failure> failures_;
  Events events_;
};

/// The mean of the two middle values for an even number; 0 for none.
double median(std::vector<double> values);

}  // namespace poolmark::harness::detail
