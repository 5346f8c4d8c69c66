#pragma once

#include <fmt/format.h>
#include <poolmark/executor.hpp>

#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string_view>
#include <system_error>

/// The only argument of the program: how many workers, or none for as many as there are CPUs. Ends
/// the program with a sentence and status 2 if it is anything else.
inline std::optional<int> number_of_workers(int argc, char** argv) {
  if (argc == 1) return std::nullopt;
  const std::string_view given = argv[1];
  int workers = 0;
  const auto [end, error] = std::from_chars(given.begin(), given.end(), workers);
  const bool is_number = error == std::errc() && end == given.end();
  if (argc == 2 && is_number && 1 <= workers && workers <= poolmark::kMaxWorkersLimit) {
    return workers;
  }
  fmt::print(stderr, "usage: {} [WORKERS]: one number from 1 to {}, or none for one a CPU.\n",
             argv[0], poolmark::kMaxWorkersLimit);
  std::exit(2);
}
