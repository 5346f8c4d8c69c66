#include "harness/recorder.hpp"

#include <algorithm>
#include <utility>

namespace poolmark::harness::detail {
namespace {

/// kMaxIterations of the library's runner: it never asks for more.
constexpr std::int64_t kMostIterations = 1'000'000'000;

Sample per_iteration(const Sample& sums, std::int64_t iterations) {
  Sample sample = sums;
  const auto n = static_cast<double>(iterations);
  sample.iterations = iterations;
  for (double* value :
       {&sample.real_ns, &sample.cpu_ns, &sample.first_result_ns, &sample.submit_ns,
        &sample.cpu_total_ns, &sample.stdout_bytes, &sample.head_of_line_ns, &sample.busy_ns}) {
    *value /= n;
  }
  if (sample.traffic) {
    sample.traffic->sent_bytes /= n;
    sample.traffic->received_bytes /= n;
  }
  return sample;
}

}  // namespace

bool RepetitionCounter::counts(std::int64_t iterations, double seconds) {
  const double wanted = phase_ == Phase::kWarmUp ? min_warmup_time_s_ : min_time_s_;
  if (phase_ == Phase::kLater) return true;
  if (iterations < kMostIterations && seconds < wanted) return false;
  return std::exchange(phase_, phase_ == Phase::kWarmUp ? Phase::kFirst : Phase::kLater) ==
         Phase::kFirst;
}

Recorder::Recorder(std::size_t cells, double min_time_s, double min_warmup_time_s, Events events)
    : cells_(cells, CellRecord{RepetitionCounter(min_time_s, min_warmup_time_s), 0, {}, {}}),
      events_(std::move(events)) {}

void Recorder::add(std::size_t cell, const Attempt& attempt) {
  CellRecord& record = cells_[cell];
  if (!record.counter.counts(attempt.iterations, attempt.seconds)) return;
  Sample sample = per_iteration(attempt.sums, attempt.iterations);
  if (!attempt.batch_ns.empty()) sample.median_batch_ns = median(attempt.batch_ns);
  sample.cell = cell;
  sample.repetition = record.repetitions_done++;
  record.task_times.insert(record.task_times.end(), attempt.task_times.begin(),
                           attempt.task_times.end());
  record.batches.add(attempt.batches);
  samples_.push_back(sample);
  if (events_.on_sample) events_.on_sample(sample);
}

void Recorder::add_failure(std::size_t cell, const Attempt& attempt, const std::string& message) {
  CellRecord& record = cells_[cell];
  if (!record.counter.counts(attempt.iterations, attempt.seconds)) return;
  failures_.push_back({cell, record.repetitions_done++, message});
  if (events_.on_failure) events_.on_failure(failures_.back());
}

std::vector<double> Recorder::task_medians(std::size_t cell) const {
  const auto& batches = cells_[cell].task_times;
  std::vector<double> medians;
  for (std::size_t task = 0; !batches.empty() && task < batches.front().size(); ++task) {
    std::vector<double> times;
    for (const auto& batch : batches) times.push_back(batch[task]);
    medians.push_back(median(std::move(times)));
  }
  return medians;
}

double Recorder::median_real_ns(std::size_t cell) const {
  std::vector<double> times;
  for (const Sample& sample : samples_) {
    if (sample.cell == cell) times.push_back(sample.real_ns);
  }
  return median(std::move(times));
}

double median(std::vector<double> values) {
  if (values.empty()) return 0;
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  if (values.size() % 2 == 1) return *middle;
  return (*std::max_element(values.begin(), middle) + *middle) / 2;
}

}  // namespace poolmark::harness::detail
