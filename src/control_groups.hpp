#pragma once

#include <string>
#include <vector>

// The control groups that this process is in, as containers and systemd set them up.
namespace poolmark::detail {

/// A directory of one hierarchy, and where to stop on the way up from it.
struct ControlGroup {
  bool is_v2;         // the unified hierarchy, with all controllers
  std::string mount;  // where the hierarchy is mounted
  std::string path;   // below that; inside a container it may not exist there

  /// The group's directory and all above it up to the mount, the nearest first.
  std::vector<std::string> directories() const;
};

/// The groups whose files tell about `controller`, "cpu" or "memory". `root` is put before "/proc"
/// and "/sys", for tests. No stream of the library: a zygote may be a fork of a process with
/// threads, and locales lock.
std::vector<ControlGroup> control_groups_of(const std::string& controller,
                                            const std::string& root = {});

}  // namespace poolmark::detail
