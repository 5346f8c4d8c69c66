#include "control_groups.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>

namespace poolmark::detail {
namespace {

std::string read_all(const std::string& path) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return {};
  std::string text;
  char piece[1024];
  for (ssize_t size = 0; (size = read(file, piece, sizeof piece)) > 0;) {
    text.append(piece, static_cast<std::size_t>(size));
  }
  close(file);
  return text;
}

}  // namespace

std::vector<std::string> ControlGroup::directories() const {
  std::vector<std::string> all;
  for (std::string group = path == "/" ? "" : path;; group.erase(group.rfind('/'))) {
    all.push_back(mount + group);
    if (group.empty()) return all;
  }
}

std::vector<ControlGroup> control_groups_of(const std::string& controller,
                                            const std::string& root) {
  const std::string mount = root + "/sys/fs/cgroup";
  // One line a hierarchy: "0::/path" for v2, "4:cpu,cpuacct:/path" for v1.
  const std::string text = read_all(root + "/proc/self/cgroup");
  std::vector<ControlGroup> groups;
  for (std::size_t start = 0, end = 0; start < text.size(); start = end + 1) {
    end = std::min(text.find('\n', start), text.size());
    const std::string line = text.substr(start, end - start);
    const auto first = line.find(':');
    const auto second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    const std::string path = line.substr(second + 1);
    if (path.empty() || path.front() != '/') continue;
    if (controllers.empty()) {
      groups.push_back({true, mount, path});
    } else if (("," + controllers + ",").find("," + controller + ",") != std::string::npos) {
      groups.push_back({false, mount + "/" + controller, path});
    }
  }
  return groups;
}

}  // namespace poolmark::detail
