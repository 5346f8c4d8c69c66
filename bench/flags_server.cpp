// The server of the flags alone, for programs that are not ours: prints its address, and answers
// until its standard input ends.

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <exception>
#include <string>
#include <string_view>

#include "flags/command_line.hpp"
#include "flags/server.hpp"
#include "flags/serving.hpp"
#include "poolmark/harness/options.hpp"

namespace {

constexpr int kFailedStatus = 1;
constexpr int kUsageStatus = 2;
constexpr const char* kUsage =
    "usage: flags_server [LATENCY]\n"
    "Serves flags at 127.0.0.1 until its standard input ends, each answer after LATENCY: 50ms, or\n"
    "drawn between two times as in 20ms..80ms. Prints the address.\n";

void serve(const bench::flags::Latency& latency) {
  bench::flags::Serving serving(latency);
  fmt::print("http://127.0.0.1:{}/{}\n", serving.port(), bench::flags::kHealthy);
  std::fflush(stdout);
  serving.until_readable(STDIN_FILENO);
}

}  // namespace

int main(int argc, char** argv) {
  bench::flags::Latency latency;
  try {
    if (argc > 2 || (argc == 2 && std::string_view(argv[1]).starts_with('-'))) {
      const bool asked = std::string_view(argv[1]) == "--help";
      fmt::print(asked ? stdout : stderr, "{}", kUsage);
      return asked ? 0 : kUsageStatus;
    }
    if (argc == 2) latency = bench::flags::parse_latency("LATENCY", argv[1]);
    serve(latency);
    return 0;
  } catch (const poolmark::harness::UsageError& error) {
    fmt::print(stderr, "flags_server: {}\n", error.what());
    return kUsageStatus;
  } catch (const std::exception& error) {
    fmt::print(stderr, "flags_server: {}\n", error.what());
    return kFailedStatus;
  }
}
