#include "harness/runner.hpp"

#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <ctime>
#include <exception>
#include <limits>
#include <map>
#include <optional>
#include <utility>

#include "harness/console.hpp"
#include "harness/library_flags.hpp"
#include "poolmark/harness/detail/checks.hpp"

namespace poolmark::harness::detail {
namespace {

using Nanoseconds = std::chrono::duration<double, std::nano>;

double clock_ns(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
}

/// What does not change while cells are measured.
struct Measuring {
  const Options& options;
  std::map<const WorkloadEntry*, std::string>
      refused;  // workloads that cannot be measured, and why
  Recorder& recorder;
  FunctionOutput& output;
  LastBatches& last_batches;
};

void add_timeline(const BatchTimeline& timeline, const Cell& cell, Attempt& attempt) {
  const TimelineNumbers numbers = numbers_of(timeline);
  attempt.sums.head_of_line_ns += numbers.head_of_line_ns;
  attempt.sums.busy_ns += numbers.busy_ns;
  if (cell.is_baseline()) attempt.task_times.push_back(task_times_of(timeline));
}

/// Nobody could note when tasks ran: NaN stands for numbers that are not there.
void add_no_timeline(Sample& sums) {
  sums.head_of_line_ns = std::numeric_limits<double>::quiet_NaN();
  sums.busy_ns = std::numeric_limits<double>::quiet_NaN();
}

void add_traffic(const Traffic& before, const Traffic& after, Sample& sums) {
  Traffic& sum = sums.traffic ? *sums.traffic : sums.traffic.emplace();
  sum.sent_bytes += after.sent_bytes - before.sent_bytes;
  sum.received_bytes += after.received_bytes - before.received_bytes;
}

/// Runs one batch and adds its times to `attempt`. A warm pool exists already; a cold one is made
/// and shut down within the timing.
void measure_batch(const Cell& cell, std::size_t index, const Measuring& measuring,
                   Attempt& attempt) {
  Subject& subject = *cell.subject;
  const bool cold = cell.pool == PoolMode::Cold;
  const BatchPlan plan{cell.pattern, cell.chunksize, cell.is_baseline(),
                       wants_timeline(measuring.options)};
  measuring.output.take();  // not this batch's
  // Reading CPU clocks costs system calls, so all of it happens outside the wall time. A cold
  // pool's workers begin at 0. The two readings of the process's clock are also how whoever counts
  // calls from outside (scripts/lib/count_calls.c) knows where a batch begins and ends.
  const double workers_before = cold ? 0 : static_cast<double>(subject.worker_cpu_time().count());
  const Traffic traffic_before = cold ? Traffic{} : subject.traffic().value_or(Traffic{});
  const double process_before = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
  const double thread_before = clock_ns(CLOCK_THREAD_CPUTIME_ID);
  const auto start = Clock::now();

  if (cold) subject.make_pool(cell.workers);
  subject.run_batch(plan);
  if (cold) subject.close_pool(false);

  const auto end = Clock::now();
  const double thread = clock_ns(CLOCK_THREAD_CPUTIME_ID) - thread_before;
  const double process = clock_ns(CLOCK_PROCESS_CPUTIME_ID) - process_before;
  const double workers = static_cast<double>(subject.worker_cpu_time().count()) - workers_before;

  if (const auto traffic = subject.traffic()) {
    add_traffic(traffic_before, *traffic, attempt.sums);
  }
  const double real_ns = Nanoseconds(end - start).count();
  // Of as many as a clock asks for, there may be too many to keep.
  if (measuring.options.batches > 0) attempt.batch_ns.push_back(real_ns);
  attempt.sums.real_ns += real_ns;
  attempt.sums.cpu_ns += thread;
  attempt.sums.cpu_total_ns += process + workers;
  BatchView seen = subject.view_batch(start);
  attempt.sums.first_result_ns += seen.completions.front();
  attempt.sums.submit_ns += seen.submit;
  attempt.batches.add(std::move(seen));
  if (const auto times = subject.task_times(); cell.is_baseline() && !times.empty()) {
    attempt.task_times.emplace_back(times.begin(), times.end());
  }
  attempt.sums.stdout_bytes += static_cast<double>(measuring.output.take());
  std::optional<BatchTimeline> timeline = subject.timeline();
  if (timeline) {
    add_timeline(*timeline, cell, attempt);
  } else if (plan.timeline) {
    add_no_timeline(attempt.sums);
  }
  subject.check_results();
  if (timeline) measuring.last_batches.at(index) = {std::move(*timeline), start, end};
  measuring.output.take();  // a check may call the function again
}

/// Makes the pool of a warm cell; returns why that failed, or nothing.
std::string prepare(const Cell& cell, const Measuring& measuring) {
  if (const auto refused = measuring.refused.find(cell.workload);
      refused != measuring.refused.end()) {
    return refused->second;
  }
  if (interrupted() || cell.pool == PoolMode::Cold) return "";
  try {
    cell.subject->make_pool(cell.workers);
    cell.subject->warm_up(cell.workers);
  } catch (const Interrupted&) {
    // No failure: interrupted() is true now, and nothing will be measured.
  } catch (...) {
    return what_was_thrown();
  }
  return "";
}

/// Shuts the pool down whatever happened; returns why that failed, or nothing.
std::string clean_up(const Cell& cell, bool cancel_tasks) {
  std::string error;
  try {
    cell.subject->close_pool(cancel_tasks);
  } catch (...) {
    error = what_was_thrown();
  }
  cell.subject->drop_pool();
  return error;
}

/// What an iteration that did not measure anything reports: more than the library can ask for, so
/// that it does not try again with more iterations.
double longer_than_wanted(const Options& options) {
  return std::max(options.min_time_s, options.min_warmup_time_s) + 1;
}

/// A benchmark function: one repetition, or one try at it (see RepetitionCounter).
///
/// The library never hears of an error. Google Benchmark 1.7.1 crashes when the first repetition of
/// a benchmark failed and two others did not (its statistics read a pointer that only a success
/// sets), and aborts when repetitions differ in their number of iterations. So a failed or
/// interrupted repetition goes through its loop to the end, and what it reports is never shown.
void measure_cell(benchmark::State& state, const Cell& cell, std::size_t index,
                  const Measuring& measuring) {
  Attempt attempt;
  attempt.iterations = static_cast<std::int64_t>(state.max_iterations);
  std::int64_t done = 0;
  std::string error = prepare(cell, measuring);

  while (state.KeepRunning()) {
    double seconds = longer_than_wanted(measuring.options);
    if (error.empty() && !interrupted()) {
      const double before = attempt.sums.real_ns;
      try {
        measure_batch(cell, index, measuring, attempt);
        seconds = (attempt.sums.real_ns - before) / 1e9;
        ++done;
      } catch (const Interrupted&) {
        // The batch was given up, not failed: interrupted() is true now.
      } catch (...) {
        error = what_was_thrown();
      }
    }
    attempt.seconds += seconds;
    state.SetIterationTime(seconds);
  }

  const bool complete = done == attempt.iterations;
  if (std::string late = clean_up(cell, !complete); error.empty()) error = std::move(late);
  // What workers had buffered comes when they end.
  attempt.sums.stdout_bytes += static_cast<double>(measuring.output.take());
  if (!error.empty()) {
    measuring.recorder.add_failure(index, attempt, error);
  } else if (complete) {
    measuring.recorder.add(index, attempt);
  }
}

/// Those that could not be set up, and those whose self-check fails. Self-checks run before there
/// is any pool, once for each workload that is to be measured.
std::map<const WorkloadEntry*, std::string> refuse_workloads(const std::vector<Cell>& cells,
                                                             bool with_self_check) {
  std::map<const WorkloadEntry*, bool> seen;
  std::map<const WorkloadEntry*, std::string> refused;
  for (const Cell& cell : cells) {
    if (!cell.workload->broken.empty()) {
      refused[cell.workload] = cell.workload->broken;
      continue;
    }
    if (!with_self_check || interrupted() || !cell.workload->self_check) continue;
    if (!std::exchange(seen[cell.workload], true)) {
      try {
        cell.workload->self_check();
      } catch (...) {
        refused[cell.workload] = what_was_thrown();
      }
    }
  }
  return refused;
}

void initialize_library(const Options& options, const std::string& executable) {
  // Static: the library keeps the pointer to the program's name and reads it again for its context.
  static std::vector<std::string> arguments;
  arguments = library_arguments(options, executable);
  std::vector<char*> pointers;
  for (std::string& argument : arguments) pointers.push_back(argument.data());
  pointers.push_back(nullptr);
  int count = static_cast<int>(arguments.size());
  benchmark::Initialize(&count, pointers.data());
}

}  // namespace

void run_cells(const std::vector<Cell>& cells, const std::vector<std::size_t>& tasks,
               const Options& options, const std::string& executable, Recorder& recorder,
               FunctionOutput& output, LastBatches& batches) {
  initialize_library(options, executable);
  const Measuring measuring{options, refuse_workloads(cells, options.self_check), recorder, output,
                            batches};

  benchmark::ClearRegisteredBenchmarks();
  std::vector<std::string> names;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    names.push_back(cells[i].name());
    const auto measure = [&, i](benchmark::State& state) {
      measure_cell(state, cells[i], i, measuring);
    };
    auto* const cell = benchmark::RegisterBenchmark(names.back().c_str(), measure)->UseManualTime();
    if (options.batches > 0) cell->Iterations(options.batches);
  }

  const auto console = make_console(options, names, tasks, recorder, output);
  benchmark::RunSpecifiedBenchmarks(console.get());
  benchmark::ClearRegisteredBenchmarks();
  benchmark::Shutdown();
}

}  // namespace poolmark::harness::detail
