// What the machinery of pools costs: submitting, collecting, waking, waiting, idling; poolmark's
// thread pool and its peers, and its process pool beside what the machine itself takes, interleaved
// in one program. overhead --help shows examples.

#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <cstdio>
#include <optional>
#include <stdexcept>
#include <string>

#include "overhead/cases.hpp"
#include "overhead/command_line.hpp"
#include "overhead/process_births.hpp"
#include "overhead/reporters.hpp"
#include "peers/peers.hpp"
#include "poolmark/executor.hpp"

namespace {

constexpr int kExitFailed = 1;
constexpr int kExitUsage = 2;

/// Says what is measured and what is not, on the console and in the JSON.
void announce() {
  std::string skipped;
  for (const std::string& peer : bench::skipped_peers()) {
    fmt::print("skipped: {}\n", peer);
    skipped += (skipped.empty() ? "" : "; ") + peer;
  }
  const int cpus = poolmark::usable_cpus();
  fmt::print("overhead: {} build by {}, {} usable CPUs, peers: {}\n\n", BENCH_BUILD_TYPE,
             BENCH_COMPILER, cpus, bench::peer_names());
  std::fflush(stdout);
  benchmark::AddCustomContext("skipped", skipped);
  benchmark::AddCustomContext("peers", bench::peer_names());
  benchmark::AddCustomContext("usable_cpus", std::to_string(cpus));
  benchmark::AddCustomContext("build_type", BENCH_BUILD_TYPE);
  benchmark::AddCustomContext("compiler", BENCH_COMPILER);
}

int measure(const bench::Cases& cases, const bench::CommandLine& asked) {
  bench::Failures failures;
  bench::register_with_library(cases, failures);
  announce();
  bench::Console console(failures, asked.colour);
  std::optional<bench::Marking<benchmark::JSONReporter>> file;
  if (asked.writes_file) file.emplace(failures);
  benchmark::RunSpecifiedBenchmarks(&console, file ? &*file : nullptr, "all");
  bench::end_progress();
  for (const auto& [name, what] : failures) fmt::print(stderr, "failed: {}: {}\n", name, what);
  return failures.empty() ? 0 : kExitFailed;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const bench::CommandLine asked = bench::read_command_line(argc, argv);
    if (asked.help) {
      fmt::print("{}", bench::help_text());
      return 0;
    }
    const bench::Cases cases =
        bench::chosen_cases(bench::all_cases(), benchmark::GetBenchmarkFilter());
    if (asked.list) {
      for (const bench::Case& each : cases) fmt::print("{}\n", each.name);
      return 0;
    }
    bench::prepare_processes();
    return measure(cases, asked);
  } catch (const std::invalid_argument& error) {
    fmt::print(stderr, "overhead: {}\n", error.what());
    return kExitUsage;
  }
}
