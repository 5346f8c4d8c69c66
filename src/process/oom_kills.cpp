#include "process/oom_kills.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>

// /proc/self/cgroup has one line a hierarchy: "0::/path" for v2, "4:memory:/path" for v1. Inside a
// container the listed path may not exist below the mount point, and then the nearest directory
// above it that has the file is the container's.
namespace poolmark::detail {
namespace {

OwnedFd open_upwards(const std::string& mount, std::string group, const char* file) {
  for (;;) {
    if (group == "/") group.clear();
    OwnedFd fd(::open((mount + group + file).c_str(), O_RDONLY | O_CLOEXEC));
    if (fd || group.empty()) return fd;
    group.erase(group.rfind('/'));
  }
}

// No stream of the library: a zygote may be a fork of a process with threads, and locales lock.
std::string read_all(const std::string& path) {
  const OwnedFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  std::string text;
  char piece[1024];
  for (ssize_t size = 0; file && (size = read(file.get(), piece, sizeof piece)) > 0;) {
    text.append(piece, static_cast<std::size_t>(size));
  }
  return text;
}

}  // namespace

OomKills OomKills::open(const std::string& root) {
  OomKills kills;
  const std::string mount = root + "/sys/fs/cgroup";
  const std::string groups = read_all(root + "/proc/self/cgroup");
  for (std::size_t start = 0, end = 0; start < groups.size() && !kills.file_; start = end + 1) {
    end = std::min(groups.find('\n', start), groups.size());
    const std::string line = groups.substr(start, end - start);
    const auto first = line.find(':');
    const auto second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    const std::string group = line.substr(second + 1);
    if (group.empty() || group.front() != '/') continue;
    if (controllers.empty()) kills.file_ = open_upwards(mount, group, "/memory.events");
    if (("," + controllers + ",").find(",memory,") != std::string::npos) {
      kills.file_ = open_upwards(mount + "/memory", group, "/memory.oom_control");
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
