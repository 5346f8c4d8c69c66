#pragma once

#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "overhead/meter.hpp"

/// What the program can measure, and what went wrong while it did.
namespace bench {

/// One cell: a case with a variant, on a peer, with so many tasks and workers.
struct Case {
  std::string name;    ///< made by case_name()
  std::int64_t tasks;  ///< of one iteration
  std::function<void(Meter&)> run;
  /// Iterations of a repetition; 0: as many as Google Benchmark thinks right.
  std::int64_t iterations = 0;
  /// Repetitions, of cases that take seconds; 0: what the command line says.
  int repetitions = 0;
};

using Cases = std::vector<Case>;

/// case/variant/peer/n:100000/workers:2
inline std::string case_name(std::string_view what, std::string_view peer, std::int64_t n,
                             int workers) {
  return fmt::format("{}/{}/n:{}/workers:{}", what, peer, n, workers);
}

/// Worker counts of the cases that scale, and of those that do not.
inline constexpr int kFewWorkers = 1;
inline constexpr int kWorkers = 2;

// One function for each file of cases.
void add_stream_cases(Cases& cases);
void add_map_cases(Cases& cases);
void add_round_trip_cases(Cases& cases);
void add_limit_cases(Cases& cases);
void add_submitter_cases(Cases& cases);
void add_nested_cases(Cases& cases);
void add_cancel_cases(Cases& cases);
void add_wait_any_cases(Cases& cases);
void add_memory_cases(Cases& cases);
void add_idle_cases(Cases& cases);
void add_process_stream_cases(Cases& cases);
void add_process_round_trip_cases(Cases& cases);
void add_process_life_cases(Cases& cases);
void add_process_limit_cases(Cases& cases);
void add_process_memcpy_cases(Cases& cases);

/// All of the above.
Cases all_cases();

/// Cells that failed, by name, with what was wrong first.
using Failures = std::map<std::string, std::string>;

/// Hands `cases` to Google Benchmark. Whatever a case throws goes to `failures`, which must outlive
/// the run; the library itself never sees a failure (it would exit with status 0).
void register_with_library(const Cases& cases, Failures& failures);

/// Wipes the line on the terminal that names the case at hand.
void end_progress();

}  // namespace bench
