#pragma once

#include <benchmark/benchmark.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

/// Taking the time of a case: wall time of chosen regions, CPU time and context switches beside it.
namespace bench {

/// What the process has used until now.
struct Usage {
  std::int64_t cpu_ns;    ///< CPU time of all its threads
  std::int64_t switches;  ///< voluntary and involuntary context switches of all its threads

  static Usage now();
};

/// A result that is not what it should be. Such a run has no time: the program ends with status 1.
class WrongResult : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Throws WrongResult unless `got` is `expected`.
void check_equal(const char* what, std::int64_t got, std::int64_t expected);

/// Where CPU time and switches are counted.
enum class CpuOf {
  /// From before the first iteration until after the last, without what the caller's thread does
  /// outside the timed regions. Exact for many threads.
  kWholeLoop,
  /// In the timed regions only: for cases with much untimed work. The kernel tells of another
  /// thread
  /// that is running only what it had used at its last tick, so this suits work of the caller
  /// alone.
  kRegions,
};

/// Drives the iterations of one run of a case and writes its counters.
///
///     while (meter.next()) {
///       meter.start();
///       ...
///       meter.stop();
///     }
class Meter {
 public:
  /// `tasks`: how many tasks one iteration runs; counters are divided by it.
  Meter(benchmark::State& state, std::int64_t tasks);

  /// Counts CPU time there from now on; call it before the first next(). Default: kWholeLoop.
  void count_cpu_of(CpuOf where) noexcept { cpu_of_ = where; }

  /// Adds to the CPU time what `used_until_now` says of other processes.
  void count_cpu_of_workers(std::function<std::chrono::nanoseconds()> used_until_now) {
    cpu_of_workers_ = std::move(used_until_now);
  }
  /// Reports the median of the iterations as ns_per_task instead of their mean: for iterations of
  /// which now and then one meets another program.
  void use_median() { each_ = std::vector<std::chrono::nanoseconds>(); }
  /// Reports bytes_per_second: so many are moved by one iteration.
  void count_bytes(std::int64_t bytes) noexcept { bytes_ = bytes; }

  /// Whether to do another iteration.
  bool next();

  /// Begin and end of a timed region; an iteration may have several.
  void start();
  void stop();
  /// Instead of start() and stop(): adds a time that the case took itself.
  void add(std::chrono::nanoseconds elapsed) noexcept { iteration_ += elapsed; }

  /// Reports `value` as a counter in place of those that every case has.
  void report(const std::string& counter, double value);
  /// Reports `value` as one counter more.
  void report_beside(const std::string& counter, double value) { state_.counters[counter] = value; }
  /// Words that stand beside the numbers of this run.
  void note(const std::string& text) { state_.SetLabel(text); }

  /// Ends the iterations at once, so that Google Benchmark is content with a run that failed.
  void abandon();

 private:
  using Clock = std::chrono::steady_clock;

  Usage usage_now() const;
  void end_iteration();
  std::chrono::nanoseconds usual_iteration();
  void write_counters();

  benchmark::State& state_;
  std::int64_t tasks_;
  std::int64_t bytes_ = 0;
  CpuOf cpu_of_ = CpuOf::kWholeLoop;
  std::function<std::chrono::nanoseconds()> cpu_of_workers_;
  bool begun_ = false;
  bool ended_ = false;
  bool own_counters_ = false;
  std::int64_t pause_began_cpu_ns_ = 0;
  std::int64_t callers_pauses_cpu_ns_ = 0;  // outside the timed regions
  Clock::time_point region_began_;
  Usage usage_began_{};
  Usage used_{};
  std::chrono::nanoseconds iteration_{0};
  std::chrono::nanoseconds total_{0};
  std::optional<std::vector<std::chrono::nanoseconds>> each_;  // if they are wanted
};

}  // namespace bench
