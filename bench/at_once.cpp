// Many tasks that wait, all at once, on an event loop or in a pool of threads: one point, in a
// process of its own. scripts/at-once runs it.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <stdexcept>
#include <string>

#include "at_once/measuring.hpp"
#include "context.hpp"

namespace {

using bench::at_once::Wanted;
using bench::at_once::Way;
using bench::at_once::Work;

constexpr int kFailedStatus = 1;
constexpr int kUsageStatus = 2;
constexpr int kMostTasks = 16'000;  // the server accepts a few more
constexpr int kLongestLatencyMs = 60'000;

const std::map<std::string, Work> kWorks = {{"sleep", Work::kSleep}, {"download", Work::kDownload}};
const std::map<std::string, Way> kWays = {{"loop", Way::kLoop}, {"threads", Way::kThreads}};

nlohmann::ordered_json to_json(const bench::at_once::Batch& batch) {
  return {{"wall_ns", batch.wall.count()}, {"cpu_ns", batch.cpu.count()}};
}

/// The exit status, if there is nothing to be measured.
std::optional<int> read_command_line(int argc, char** argv, Wanted& wanted) {
  CLI::App app(
      "Measures a batch of tasks that all wait at once, twice on the same executor. Prints what it "
      "took as JSON.");
  int latency_ms = static_cast<int>(wanted.latency.count());
  app.add_option("--work", wanted.work, "What each task does: sleep or download (default: sleep)")
      ->transform(CLI::CheckedTransformer(kWorks).description(""))
      ->type_name("WORK");
  app.add_option("--way", wanted.way, "What they run on: loop or threads (default: loop)")
      ->transform(CLI::CheckedTransformer(kWays).description(""))
      ->type_name("WAY");
  app.add_option("--count", wanted.count,
                 fmt::format("How many tasks, 1 to {} (default: 1000); at most 1024 threads have "
                             "them in turns",
                             kMostTasks))
      ->check(CLI::Range(1, kMostTasks).description(""))
      ->type_name("N");
  app.add_option("--latency-ms", latency_ms, "What each waits for (default: 50)")
      ->check(CLI::Range(0, kLongestLatencyMs).description(""))
      ->type_name("N");
  app.footer("\nExample:\n  at_once --work=download --way=loop --count=1000\n");
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    fmt::print("{}", app.help());
    return 0;
  } catch (const CLI::ParseError& error) {
    fmt::print(stderr, "at_once: {}: --help shows what is allowed.\n", error.what());
    return kUsageStatus;
  }
  wanted.latency = std::chrono::milliseconds(latency_ms);
  return std::nullopt;
}

}  // namespace

int main(int argc, char** argv) {
  Wanted wanted;
  if (const auto status = read_command_line(argc, argv, wanted)) return *status;
  try {
    const bench::at_once::Seen seen = bench::at_once::measure(wanted);
    const nlohmann::ordered_json report = {{"context", bench::context_of_run()},
                                           {"first", to_json(seen.first)},
                                           {"second", to_json(seen.second)},
                                           {"threads", seen.threads},
                                           {"memory_bytes", seen.memory_bytes}};
    fmt::print("{}\n", report.dump());
    return 0;
  } catch (const std::invalid_argument& error) {
    fmt::print(stderr, "at_once: {}\n", error.what());
    return kUsageStatus;
  } catch (const std::exception& error) {
    fmt::print(stderr, "at_once: {}\n", error.what());
    return kFailedStatus;
  }
}
