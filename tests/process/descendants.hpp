#pragma once

#include <unistd.h>

#include <cstdlib>
#include <deque>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <vector>

namespace poolmark::test {

struct ProcessEntry {
  pid_t pid;
  std::string name;  // as /proc has it: "17 (poolmark-zygote) S", with the state
};

/// All descendants of this process, zombies too, and whoever is called `name`: that finds those
/// whose parent has ended.
inline std::vector<ProcessEntry> descendants_and(const std::string& name) {
  std::multimap<pid_t, ProcessEntry> children;
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    std::ifstream file(entry.path() / "stat");
    std::string line;
    if (!std::getline(file, line)) continue;
    const auto bracket = line.rfind(')');
    const bool is_called_so = line.find('(' + name + ')') != std::string::npos;
    const pid_t parent = is_called_so ? getpid() : std::atoi(line.c_str() + bracket + 4);
    children.emplace(parent, ProcessEntry{std::atoi(line.c_str()), line.substr(0, bracket + 3)});
  }
  std::vector<ProcessEntry> found;
  std::deque<pid_t> parents{getpid()};
  for (; !parents.empty(); parents.pop_front()) {
    const auto [first, last] = children.equal_range(parents.front());
    for (auto child = first; child != last; ++child) {
      found.push_back(child->second);
      parents.push_back(child->second.pid);
    }
  }
  return found;
}

}  // namespace poolmark::test
