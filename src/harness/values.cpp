#include "harness/values.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "poolmark/executor.hpp"

namespace poolmark::harness::detail {

int parse_int(const std::string& source, const std::string& text, int least, int most,
              const std::string& example) {
  int value = 0;
  const char* const end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, value);
  if (error == std::errc{} && stopped == end && value >= least && value <= most) return value;

  const bool is_number = stopped == end && error != std::errc::invalid_argument;
  throw UsageError(fmt::format("{}: '{}' is {}: give a whole number from {} to {}, such as {}.",
                               source, text, is_number ? "out of range" : "not a whole number",
                               least, most, example));
}

double parse_seconds(const std::string& source, const std::string& text) {
  double value = 0;
  const char* const end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, value);
  if (error == std::errc{} && stopped == end && std::isfinite(value) && value >= 0) return value;
  throw UsageError(
      fmt::format("{}: '{}' is not a time: give seconds as a plain number, 0 or more, such as 0.5.",
                  source, text));
}

bool parse_bool(const std::string& source, const std::string& text) {
  std::string lower = text;
  std::ranges::transform(lower, lower.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  for (const char* yes : {"true", "yes", "on", "1", "t", "y"}) {
    if (lower == yes) return true;
  }
  for (const char* no : {"false", "no", "off", "0", "f", "n"}) {
    if (lower == no) return false;
  }
  throw UsageError(
      fmt::format("{}: '{}' is neither true nor false: give one of the two.", source, text));
}

std::size_t parse_choice(const std::string& source, const std::string& text,
                         const std::vector<std::string>& allowed) {
  const auto found = std::ranges::find(allowed, text);
  if (found != allowed.end()) return static_cast<std::size_t>(found - allowed.begin());
  throw UsageError(
      fmt::format("{}: '{}' is not known: give {}.", source, text, fmt::join(allowed, " or ")));
}

std::vector<std::string> parse_list(const std::string& source, const std::string& text) {
  std::vector<std::string> parts;
  std::string::size_type begin = 0;
  for (;;) {
    const auto comma = text.find(',', begin);
    parts.push_back(text.substr(begin, comma == std::string::npos ? comma : comma - begin));
    if (comma == std::string::npos) break;
    begin = comma + 1;
  }
  if (std::ranges::find(parts, "") != parts.end()) {
    throw UsageError(fmt::format(
        "{}: '{}' has an empty part: give values separated by single commas.", source, text));
  }
  return parts;
}

void check_options(const Options& options) {
  for (const int workers : options.workers) {
    parse_int("workers", std::to_string(workers), 1, kMaxWorkersLimit, "2");
  }
  for (const std::optional<int>& size : options.chunksizes) {
    if (size) parse_int("chunksizes", std::to_string(*size), 1, kMostChunksize, "16");
  }
  parse_int("repetitions", std::to_string(options.repetitions), 1, kMostRepetitions, "10");
  parse_seconds("min_time_s", fmt::format("{}", options.min_time_s));
  parse_seconds("min_warmup_time_s", fmt::format("{}", options.min_warmup_time_s));
  if (options.batches != 0) {
    parse_int("batches", std::to_string(options.batches), 1, kMostBatches, "5");
    if (options.min_time_s > 0) {
      throw UsageError(fmt::format(
          "batches: {} of a repetition, and a least time of {} s for it, cannot both be had: leave "
          "out --batches or --benchmark_min_time.",
          options.batches, options.min_time_s));
    }
  }
  parse_choice("time_unit", options.time_unit, {"ns", "us", "ms", "s"});
}

}  // namespace poolmark::harness::detail
