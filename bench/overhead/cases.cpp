#include "overhead/cases.hpp"

#include <unistd.h>

#include <cstdio>
#include <exception>

namespace bench {
namespace {

/// Results come only when everything has been measured (repetitions are interleaved), so whoever
/// looks at a terminal is told what is going on meanwhile.
void show_progress(std::string_view name) {
  static const bool terminal = isatty(STDERR_FILENO) == 1;
  if (terminal) fmt::print(stderr, "\r\x1b[K{}", name);
}

}  // namespace

void end_progress() { show_progress(""); }

namespace {

void run_case(const Case& measured, Failures& failures, benchmark::State& state) {
  show_progress(measured.name);
  Meter meter(state, measured.tasks);
  if (failures.contains(measured.name)) return meter.abandon();
  try {
    measured.run(meter);
  } catch (const std::exception& error) {
    failures.emplace(measured.name, error.what());
    meter.abandon();
  }
}

}  // namespace

Cases all_cases() {
  Cases cases;
  add_stream_cases(cases);
  add_map_cases(cases);
  add_round_trip_cases(cases);
  add_limit_cases(cases);
  add_submitter_cases(cases);
  add_nested_cases(cases);
  add_cancel_cases(cases);
  add_wait_any_cases(cases);
  add_memory_cases(cases);
  add_idle_cases(cases);
  add_process_stream_cases(cases);
  add_process_round_trip_cases(cases);
  add_process_life_cases(cases);
  add_process_limit_cases(cases);
  add_process_memcpy_cases(cases);
  return cases;
}

void register_with_library(const Cases& cases, Failures& failures) {
  for (const Case& each : cases) {
    auto* registered = benchmark::RegisterBenchmark(
        each.name.c_str(),
        [each, &failures](benchmark::State& state) { run_case(each, failures, state); });
    registered->UseManualTime();
    if (each.iterations > 0) registered->Iterations(each.iterations);
    if (each.repetitions > 0) registered->Repetitions(each.repetitions);
  }
}

}  // namespace bench
