#include "flags/command_line.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <charconv>
#include <filesystem>
#include <limits>
#include <string_view>

#include "flags/images.hpp"
#include "harness/values.hpp"
#include "poolmark/harness/options.hpp"

namespace bench::flags {
namespace {

using poolmark::harness::UsageError;
using poolmark::harness::detail::parse_int;

struct Unit {
  std::string_view name;
  double nanoseconds;
};
constexpr Unit kUnits[] = {{"ms", 1e6}, {"us", 1e3}, {"s", 1e9}};  // "ms" before "s", which ends it
constexpr double kLongest = 3600e9;

std::chrono::nanoseconds parse_time(const std::string& flag, const std::string& text) {
  for (const Unit& unit : kUnits) {
    if (!text.ends_with(unit.name)) continue;
    double value = -1;
    const char* const end = text.data() + text.size() - unit.name.size();
    const auto [stopped, error] = std::from_chars(text.data(), end, value);
    const double nanoseconds = value * unit.nanoseconds;
    if (error != std::errc{} || stopped != end || !(nanoseconds >= 0 && nanoseconds <= kLongest)) {
      break;
    }
    return std::chrono::nanoseconds(static_cast<std::int64_t>(nanoseconds));
  }
  throw UsageError(fmt::format(
      "{}: '{}' is no time: give a number and its unit, from 0s to 3600s, such as 50ms or 6.1s.",
      flag, text));
}

std::chrono::milliseconds parse_timeout(const std::string& text) {
  const auto timeout = std::chrono::ceil<std::chrono::milliseconds>(parse_time("--timeout", text));
  if (timeout.count() > 0) return timeout;
  throw UsageError(
      fmt::format("--timeout: '{}' is no time to wait: give 1ms or more, such as 6.1s.", text));
}

std::string without_slash_at_end(std::string url) {
  while (url.ends_with('/')) url.pop_back();
  return url;
}

/// What the options were given, as text.
struct Given {
  std::string base_url;
  std::string ca_file;
  std::string first;
  std::string nap = "0s";
  std::string timeout = "6.1s";
  std::string latency = "50ms";
  std::string seed = "1";
  std::string save;
  bool help = false;
};

void add_options(CLI::App& app, Given& given) {
  const auto add = [&](const char* name, std::string& text, const char* type, const char* help) {
    app.add_option(name, text, help)->type_name(type)->take_last();
  };
  add("--base-url", given.base_url, "URL",
      "Download from this server, http or https: URL/br/br.gif and so on (default: a server of the "
      "program's own on 127.0.0.1)");
  add("--ca-file", given.ca_file, "FILE", "Certificates to trust (default: the system's)");
  add("--first", given.first, "N", "The first N flags only (default: all 20)");
  add("--nap", given.nap, "TIME", "Sleep after each download (default: 0s)");
  add("--timeout", given.timeout, "TIME", "Give up a download after so long (default: 6.1s)");
  add("--latency", given.latency, "TIME[..TIME]",
      "What the program's own server waits before each answer: always so long, or drawn between "
      "the two (default: 50ms)");
  add("--latency-seed", given.seed, "N", "Which times are drawn (default: 1)");
  add("--save", given.save, "DIRECTORY", "Write each flag there, as BR.gif (default: nowhere)");
  app.add_flag("-h,--help", given.help, "Print this, and what the harness is told");
}

void read(const Given& given, CommandLine& line) {
  if (!given.base_url.empty()) line.base_url = without_slash_at_end(given.base_url);
  if (!given.first.empty()) {
    const int most = static_cast<int>(images().size());
    line.first = static_cast<std::size_t>(parse_int("--first", given.first, 1, most, "--first=8"));
  }
  line.latency = parse_latency("--latency", given.latency);
  line.latency.seed = static_cast<std::uint64_t>(parse_int(
      "--latency-seed", given.seed, 0, std::numeric_limits<int>::max(), "--latency-seed=7"));
  line.settings.ca_file = given.ca_file;
  line.settings.nap = parse_time("--nap", given.nap);
  line.settings.timeout = parse_timeout(given.timeout);
  if (given.save.empty()) return;
  line.settings.save = given.save;
  if (!std::filesystem::is_directory(given.save)) {
    throw UsageError(
        fmt::format("--save: '{}' is no directory: make it, or name another one.", given.save));
  }
}

constexpr const char* kExamples =
    "\nExamples:\n"
    "  flags                        the flags in every way, from the program's own server\n"
    "  flags --workers=20 --patterns=map --latency=20ms..80ms\n"
    "  flags --first=8 --nap=1s     eight flags, and a second's nap after each\n"
    "  flags --base-url http://127.0.0.1:8000/flags --save downloaded\n\n";

}  // namespace

Latency parse_latency(const std::string& flag, const std::string& text) {
  constexpr std::string_view kTo = "..";
  const std::size_t to = text.find(kTo);
  Latency latency;
  latency.least = parse_time(flag, text.substr(0, to));
  latency.most =
      to == std::string::npos ? latency.least : parse_time(flag, text.substr(to + kTo.size()));
  if (latency.least <= latency.most) return latency;
  throw UsageError(fmt::format(
      "{}: '{}' begins with the longer time: give the shorter one first, as in 20ms..80ms.", flag,
      text));
}

CommandLine read_command_line(int argc, const char* const* argv) {
  CLI::App app(
      "Downloads the flags of the twenty most populous countries over HTTP: one after the "
      "other, by threads, by processes, and on an event loop.",
      "flags");
  app.set_help_flag();
  app.allow_extras();
  app.footer(kExamples);
  Given given;
  add_options(app, given);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    throw UsageError(fmt::format("{}: --help shows every flag with its values.", error.what()));
  }
  CommandLine line;
  read(given, line);
  line.others = app.remaining();
  line.others.insert(line.others.begin(), argc > 0 ? argv[0] : "flags");
  if (given.help) {
    line.help = app.help();
    line.others.emplace_back("--help");
  }
  return line;
}

}  // namespace bench::flags
