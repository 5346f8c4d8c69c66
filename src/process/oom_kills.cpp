#include "process/oom_kills.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <charconv>

#include "control_groups.hpp"

namespace poolmark::detail {

OomKills OomKills::open(const std::string& root) {
  OomKills kills;
  for (const ControlGroup& group : control_groups_of("memory", root)) {
    const char* file = group.is_v2 ? "/memory.events" : "/memory.oom_control";
    // Inside a container the nearest directory that has the file is the container's.
    for (const std::string& directory : group.directories()) {
      kills.file_ = OwnedFd(::open((directory + file).c_str(), O_RDONLY | O_CLOEXEC));
      if (kills.file_) return kills;
    }
  }
  return kills;
}

std::optional<std::uint64_t> OomKills::count() const noexcept {
  char text[512];
  const ssize_t size = file_ ? pread(file_.get(), text, sizeof text, 0) : -1;
  if (size <= 0) return std::nullopt;
  return oom_kills_in({text, static_cast<std::size_t>(size)});
}

std::optional<std::uint64_t> oom_kills_in(std::string_view text) noexcept {
  constexpr std::string_view kName = "oom_kill ";
  while (!text.empty()) {
    if (text.starts_with(kName)) {
      std::uint64_t count = 0;
      const char* digits = text.data() + kName.size();
      const auto end = std::from_chars(digits, text.data() + text.size(), count);
      return end.ec == std::errc() ? std::optional(count) : std::nullopt;
    }
    const auto line_end = text.find('\n');
    if (line_end == std::string_view::npos) break;
    text.remove_prefix(line_end + 1);
  }
  return std::nullopt;
}

}  // namespace poolmark::detail
