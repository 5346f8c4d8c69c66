#include "granularity/command_line.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <functional>

#include "poolmark/executor.hpp"

namespace bench {
namespace {

constexpr double kLongestGrain = 1 << 22;
constexpr double kShortestGrain = 1 << 5;
constexpr double kLongestAllowed = 1e9;

constexpr const char* kExamples = R"(
Examples:
  granularity --list
      the subjects of this build, executor/pattern/workers:N
  granularity --subject=thread/as_completed/workers:2
      one of them over all lengths of tasks, as JSON
  granularity --subject=process/map/workers:2 --grains=1048576,1024 --ns-per-step=1.3
  granularity --calibrate --workers=2
      ns a step of the work takes while two threads compute

scripts/granularity runs this program for every subject, in rounds, and says what it means.

Exit status: 0 measured, 1 a result was wrong or the system refused something, 2 bad usage
)";

struct Given {
  std::string subject;
  std::vector<int> workers;
  std::vector<double> grains;
  bool list = false;
  bool describe = false;
  bool calibrate = false;
};

void add_flags(CLI::App& app, Given& given, Plan& plan) {
  app.footer(kExamples);
  app.add_option("--subject", given.subject, "what to measure")->type_name("NAME");
  app.add_option("--workers", given.workers,
                 "worker counts of the subjects (1, 2, 4 ... and the usable CPUs)")
      ->delimiter(',')
      ->type_name("N,...");
  app.add_option("--grains", given.grains, "lengths of tasks in ns (powers of two up to 4 ms)")
      ->delimiter(',')
      ->type_name("NS,...");
  app.add_option("--ns-per-step", plan.ns_per_step, "of the work (calibrated if not given)")
      ->type_name("NS");
  app.add_flag("--list", given.list, "print the names of all subjects");
  app.add_flag("--describe", given.describe, "print subjects, build and machine as JSON");
  app.add_flag("--calibrate", given.calibrate,
               "print ns a step takes with so many threads as JSON");
}

[[noreturn]] void refuse(const std::string& sentence) { throw std::invalid_argument(sentence); }

void check(const Given& given, const Plan& plan, bool has_pace) {
  for (const int count : given.workers) {
    if (count < 1 || count > poolmark::kMaxWorkersLimit) {
      refuse(fmt::format("--workers={}: 1 to {} workers, as in --workers=1,2.", count,
                         poolmark::kMaxWorkersLimit));
    }
  }
  for (const double grain : given.grains) {
    if (!(grain >= 1 && grain <= kLongestAllowed)) {
      refuse(fmt::format("--grains={}: 1 to {:.0f} ns, as in --grains=1048576,1024.", grain,
                         kLongestAllowed));
    }
  }
  if (has_pace && !(plan.ns_per_step > 0.01 && plan.ns_per_step < 1000)) {
    refuse(
        fmt::format("--ns-per-step={}: 0.01 to 1000 ns; --calibrate finds it.", plan.ns_per_step));
  }
  const int actions = given.list + given.describe + given.calibrate + !given.subject.empty();
  if (actions != 1)
    refuse("give one of --subject=NAME, --list, --describe and --calibrate; see --help.");
}

template <class Number, class Order>
std::vector<Number> sorted_once(std::vector<Number> numbers, Order order) {
  std::ranges::sort(numbers, order);
  numbers.erase(std::unique(numbers.begin(), numbers.end()), numbers.end());
  return numbers;
}

}  // namespace

std::vector<int> usual_worker_counts(int cpus) {
  std::vector<int> counts;
  for (int count = 1; count < cpus; count *= 2) counts.push_back(count);
  counts.push_back(cpus);
  return counts;
}

std::vector<double> usual_grains() {
  std::vector<double> grains;
  for (double grain = kLongestGrain; grain >= kShortestGrain; grain /= 2) grains.push_back(grain);
  return grains;
}

GranularityCommand read_granularity_command(int argc, char** argv) {
  GranularityCommand command;
  Given given;
  CLI::App app("How long tasks must be for a pool to be worth it: one pool over many lengths.",
               "granularity");
  add_flags(app, given, command.plan);
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    command.help = app.help();
    return command;
  } catch (const CLI::ParseError& error) {
    refuse(fmt::format("{}; --help shows every flag with its values.", error.what()));
  }
  check(given, command.plan, app.count("--ns-per-step") > 0);
  command.action = given.list        ? Action::List
                   : given.describe  ? Action::Describe
                   : given.calibrate ? Action::Calibrate
                                     : Action::Sweep;
  command.subject = given.subject;
  command.workers = given.workers.empty() ? usual_worker_counts(poolmark::usable_cpus())
                                          : sorted_once(given.workers, std::less<>{});
  command.plan.grains = sorted_once(given.grains, std::greater<>{});
  return command;
}

}  // namespace bench
