// How long tasks must be for a pool to be worth it: one executor or peer, one way of collecting,
// over many lengths of tasks, in a process of its own. scripts/granularity runs it; --help has
// examples.

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <exception>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "granularity/command_line.hpp"
#include "granularity/description.hpp"
#include "granularity/subjects.hpp"
#include "granularity/sweep.hpp"
#include "overhead/process_births.hpp"
#include "poolmark/executor.hpp"

namespace {

using Json = nlohmann::ordered_json;

constexpr int kExitFailed = 1;
constexpr int kExitUsage = 2;

/// The worker count of the subject asked for need not be among the usual ones.
std::vector<int> workers_of(const bench::GranularityCommand& asked) {
  const auto place = asked.subject.find("workers:");
  int count = 0;
  if (place != std::string::npos) count = std::atoi(asked.subject.c_str() + place + 8);
  const bool possible = count >= 1 && count <= poolmark::kMaxWorkersLimit;
  return possible ? std::vector<int>{count} : asked.workers;
}

bench::Subject subject_of(const bench::GranularityCommand& asked) {
  for (bench::Subject& each : bench::all_subjects(workers_of(asked))) {
    if (each.name() == asked.subject) return std::move(each);
  }
  throw std::invalid_argument(
      fmt::format("--subject={} is none of this build; --list names them.", asked.subject));
}

int computing_at_once(const bench::Subject& subject) {
  return std::min(subject.workers, poolmark::usable_cpus());
}

Json measure(const bench::Subject& subject, bench::Plan plan) {
  if (plan.grains.empty()) plan.grains = bench::usual_grains();
  if (plan.ns_per_step == 0) plan.ns_per_step = bench::calibrate(computing_at_once(subject));
  Json points = Json::array();
  for (const bench::Point& each : bench::sweep(subject, plan)) {
    points.push_back({{"grain_ns", each.grain_ns},
                      {"steps", each.steps},
                      {"tasks", each.tasks},
                      {"elapsed_ns", each.elapsed_ns}});
  }
  return {{"subject", subject.name()}, {"ns_per_step", plan.ns_per_step}, {"points", points}};
}

Json calibration(const std::vector<int>& workers) {
  Json found = Json::object();
  for (const int count : workers) found[fmt::format("{}", count)] = bench::calibrate(count);
  return found;
}

void act(const bench::GranularityCommand& asked) {
  switch (asked.action) {
    case bench::Action::List:
      for (const auto& each : bench::all_subjects(asked.workers)) fmt::print("{}\n", each.name());
      return;
    case bench::Action::Describe:
      fmt::print("{}\n", bench::description(bench::all_subjects(asked.workers)).dump());
      return;
    case bench::Action::Calibrate:
      fmt::print("{}\n", calibration(asked.workers).dump());
      return;
    case bench::Action::Sweep:
      const bench::Subject subject = subject_of(asked);
      bench::prepare_processes();
      fmt::print("{}\n", measure(subject, asked.plan).dump());
      return;
  }
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const bench::GranularityCommand asked = bench::read_granularity_command(argc, argv);
    if (!asked.help.empty()) {
      fmt::print("{}", asked.help);
      return 0;
    }
    act(asked);
    return 0;
  } catch (const std::invalid_argument& error) {
    fmt::print(stderr, "granularity: {}\n", error.what());
    return kExitUsage;
  } catch (const std::exception& error) {
    fmt::print(stderr, "granularity: {}\n", error.what());
    return kExitFailed;
  }
}
