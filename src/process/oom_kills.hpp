#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "process/owned_fd.hpp"

namespace poolmark::detail {

/// How often the kernel's out-of-memory killer has struck in the control group of this process.
class OomKills {
 public:
  /// `root` is put before "/proc" and "/sys", for tests.
  static OomKills open(const std::string& root = {});

  /// None where the control groups do not tell.
  std::optional<std::uint64_t> count() const noexcept;

 private:
  OwnedFd file_;  // v2: memory.events, v1: memory.oom_control
};

/// The number behind "oom_kill " in such a file.
std::optional<std::uint64_t> oom_kills_in(std::string_view text) noexcept;

}  // namespace poolmark::detail
