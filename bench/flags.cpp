// Twenty flags over HTTP in every way: the first program of Fluent Python's chapters on executors
// and asyncio, measured. flags --help shows how.

#include <fmt/format.h>

#include <cstdio>
#include <optional>
#include <string>
#include <vector>

#include "flags/command_line.hpp"
#include "flags/downloads.hpp"
#include "flags/server.hpp"
#include "poolmark/harness.hpp"

namespace {

constexpr int kUsageStatus = 2;

int measure(const bench::flags::CommandLine& line) {
  std::optional<bench::flags::Server> server;  // from the suite's beginning to its end
  const auto prepare = [&] {
    bench::flags::settings() = line.settings;
    if (!line.base_url) server.emplace(line.latency);
    bench::flags::settings().base_url = line.base_url ? *line.base_url : server->base_url();
  };
  poolmark::harness::Suite suite;
  suite.add(bench::flags::workload(line.first, prepare));

  std::vector<std::string> arguments = line.others;
  std::vector<char*> pointers;
  for (std::string& argument : arguments) pointers.push_back(argument.data());
  return suite.main(static_cast<int>(pointers.size()), pointers.data());
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const bench::flags::CommandLine line = bench::flags::read_command_line(argc, argv);
    fmt::print("{}", line.help);
    return measure(line);
  } catch (const poolmark::harness::UsageError& error) {
    fmt::print(stderr, "flags: {}\n", error.what());
    return kUsageStatus;
  }
}
