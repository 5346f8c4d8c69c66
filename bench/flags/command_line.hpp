#pragma once

#include <optional>
#include <string>
#include <vector>

#include "flags/downloads.hpp"
#include "flags/images.hpp"
#include "flags/server.hpp"

namespace bench::flags {

/// What the program was asked for, beside what the harness is.
struct CommandLine {
  std::optional<std::string> base_url = {};  ///< none: a server of our own
  std::size_t first = images().size();       ///< how many flags
  Latency latency = {};
  Settings settings = {};
  std::string help = {};                 ///< what to print of these options, if asked for help
  std::vector<std::string> others = {};  ///< arguments for the harness, with the program's name
};

/// Throws poolmark::harness::UsageError for a value that cannot be.
CommandLine read_command_line(int argc, const char* const* argv);

/// "50ms", or "20ms..80ms". Throws UsageError, which names the flag.
Latency parse_latency(const std::string& flag, const std::string& text);

}  // namespace bench::flags
