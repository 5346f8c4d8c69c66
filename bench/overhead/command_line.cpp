#include "overhead/command_line.hpp"

#include <benchmark/benchmark.h>
#include <fmt/format.h>
#include <regex.h>
#include <unistd.h>

#include <array>
#include <cctype>
#include <cstdlib>
#include <stdexcept>
#include <string_view>

namespace bench {
namespace {

struct Default {
  std::string_view flag;
  std::string_view value;
};

// Interleaved, so that a slow minute of the machine touches every peer a little instead of one
// entirely; short repetitions, because several of them show more than one long one.
constexpr std::array kDefaults{
    Default{"benchmark_enable_random_interleaving", "true"},
    Default{"benchmark_repetitions", "9"},
    Default{"benchmark_min_time", "0.05"},
    Default{"benchmark_display_aggregates_only", "true"},
};

bool set_in_environment(std::string_view flag) {
  std::string name;
  for (const char c : flag) {
    name += static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  }
  return std::getenv(name.c_str()) != nullptr;
}

bool is_flag(std::string_view argument, std::string_view flag) {
  return argument == flag || (argument.starts_with(flag) && argument[flag.size()] == '=');
}

bool is_true(std::string_view argument) {
  const auto equals = argument.find('=');
  if (equals == std::string_view::npos) return true;
  const std::string_view value = argument.substr(equals + 1);
  return !(value == "false" || value == "0" || value == "no" || value == "off");
}

bool terminal_wants_colour() {
  const char* no_colour = std::getenv("NO_COLOR");
  return isatty(STDOUT_FILENO) == 1 && (no_colour == nullptr || *no_colour == '\0');
}

/// The library would print its usage and exit with status 0 for a bad value of these.
void check_formats(std::string_view argument) {
  if (is_flag(argument, "--benchmark_out_format") && argument != "--benchmark_out_format=json") {
    throw std::invalid_argument("--benchmark_out writes JSON only.");
  }
  if (is_flag(argument, "--benchmark_format") && argument != "--benchmark_format=console") {
    throw std::invalid_argument("the console shows tables only; --benchmark_out=FILE writes JSON.");
  }
}

}  // namespace

CommandLine read_command_line(int argc, char** argv) {
  CommandLine read;
  read.colour = terminal_wants_colour();
  read.writes_file = set_in_environment("benchmark_out");
  std::vector<std::string> arguments{argv[0]};
  for (const auto& [flag, value] : kDefaults) {
    if (!set_in_environment(flag)) arguments.push_back(fmt::format("--{}={}", flag, value));
  }
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    check_formats(argument);
    if (argument == "--help" || argument == "-h") {
      read.help = true;
    } else if (is_flag(argument, "--benchmark_list_tests")) {
      read.list = is_true(argument);
    } else if (is_flag(argument, "--benchmark_color")) {
      if (argument != "--benchmark_color=auto") read.colour = is_true(argument);
    } else {
      if (is_flag(argument, "--benchmark_out")) read.writes_file = true;
      arguments.emplace_back(argument);
    }
  }
  std::vector<char*> pointers;
  for (std::string& argument : arguments) pointers.push_back(argument.data());
  pointers.front() = argv[0];  // the library keeps this one, for the JSON's context
  int left = static_cast<int>(pointers.size());
  pointers.push_back(nullptr);
  benchmark::Initialize(&left, pointers.data());
  if (left > 1) {
    throw std::invalid_argument(fmt::format(
        "{} is no option of this program, or has a bad value; --help lists them.", pointers[1]));
  }
  return read;
}

namespace {

/// A POSIX extended regular expression. Not std::regex: it recurses once a character, and g++ 12
/// warns of its insides where the sanitizers are on.
class Expression {
 public:
  explicit Expression(const std::string& text) {
    const int error = regcomp(&compiled_, text.c_str(), REG_EXTENDED | REG_NOSUB);
    if (error == 0) return;
    std::array<char, 128> why{};
    regerror(error, &compiled_, why.data(), why.size());
    throw std::invalid_argument(
        fmt::format("--benchmark_filter: '{}' is no regular expression: {}.", text, why.data()));
  }
  Expression(const Expression&) = delete;
  Expression& operator=(const Expression&) = delete;
  ~Expression() { regfree(&compiled_); }

  bool matches(const std::string& name) const {
    return regexec(&compiled_, name.c_str(), 0, nullptr, 0) == 0;
  }

 private:
  regex_t compiled_{};
};

}  // namespace

Cases chosen_cases(Cases cases, const std::string& filter) {
  if (filter.empty() || filter == "all") return cases;
  const bool without = filter.front() == '-';
  const Expression expression(filter.substr(without ? 1 : 0));
  std::erase_if(cases, [&](const Case& each) { return expression.matches(each.name) == without; });
  if (cases.empty()) {
    throw std::invalid_argument(fmt::format(
        "--benchmark_filter={} matches no case; --benchmark_list_tests lists them.", filter));
  }
  return cases;
}

std::string help_text() {
  return R"(overhead: what the machinery of pools costs, poolmark's and its peers'.

examples:
  overhead                                           everything: about four minutes
  overhead --benchmark_list_tests                    the names of all cases
  overhead --benchmark_filter='^stream/.*workers:2$' the streams with two workers
  overhead --benchmark_filter=/poolmark/             poolmark's pool of threads alone
  overhead --benchmark_filter=^process/              its pool of processes
  overhead --benchmark_out=costs.json                keep every repetition, as JSON
  overhead --benchmark_repetitions=15 --benchmark_min_time=0.2

A case is called case/variant/peer/n:TASKS/workers:WORKERS; the caller is no worker, and workers:0 is
a peer without workers of its own. docs/measuring.md says what each case measures.

options (Google Benchmark's; defaults that differ from its own in brackets):
  --benchmark_filter=REGEX      cases whose name matches, or does not match -REGEX
  --benchmark_list_tests        list the chosen cases and end
  --benchmark_repetitions=N     [9] repetitions of each case
  --benchmark_min_time=SECONDS  [0.05] least time of a repetition
  --benchmark_enable_random_interleaving=BOOL      [true]
  --benchmark_display_aggregates_only=BOOL         [true] false shows every repetition
  --benchmark_out=FILE          write JSON
  and --benchmark_color, --benchmark_context, --benchmark_report_aggregates_only, --v

exit status: 0 all measured, 1 a case gave a wrong result, 2 bad usage
)";
}

}  // namespace bench
