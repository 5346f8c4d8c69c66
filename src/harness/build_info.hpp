#pragma once

#include <optional>
#include <string>

namespace poolmark::harness::detail {

/// What this code was built from and how. Google Benchmark's own "library_build_type" speaks of
/// the library alone.
struct BuildInfo {
  std::string version;
  std::string build_type;
  std::string compiler;
  std::string compiler_flags;
  std::string commit;         // 40 hexadecimal digits, or "unknown"
  std::optional<bool> dirty;  // tracked files differ from the commit; none when unknown
};

const BuildInfo& build_info();

}  // namespace poolmark::harness::detail
