#pragma once

#include <filesystem>
#include <fstream>
#include <ostream>
#include <set>
#include <string>
#include <system_error>
#include <utility>

/// What a process has got hold of since. (It may let go of other things meanwhile: pools that
/// nobody waited for end when they like, so that counting all there is would tell nothing.)
namespace poolmark::test {

/// The descriptors that were opened since and are open.
class NewDescriptors {
 public:
  NewDescriptors() : old_(now()) {}

  int count() const {
    int added = 0;
    for (const auto& descriptor : now()) added += old_.contains(descriptor) ? 0 : 1;
    return added;
  }

 private:
  using Descriptor = std::pair<std::string, std::string>;  // its number, and what it leads to

  static std::set<Descriptor> now() {
    std::set<Descriptor> descriptors;
    for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
      std::error_code gone;  // closed since the directory was read
      const std::string target = std::filesystem::read_symlink(entry, gone);
      const bool is_this_loops_own = target.starts_with("/proc/");
      if (!gone && !is_this_loops_own) descriptors.emplace(entry.path().filename(), target);
    }
    return descriptors;
  }

  std::set<Descriptor> old_;
};

/// How much is held for pools.
struct Holdings {
  int descriptors = 0;
  int mappings = 0;

  bool operator==(const Holdings&) const = default;
  friend void PrintTo(const Holdings& held, std::ostream* to) {
    *to << held.descriptors << " descriptors, " << held.mappings << " mappings";
  }
};
inline constexpr Holdings kNothing{};

/// The descriptors and the mappings of pools' memory that were made since and are there.
class NewHoldings {
 public:
  NewHoldings() : old_mappings_(mappings_now()) {}

  Holdings count() const {
    Holdings counts{.descriptors = descriptors_.count()};
    for (const std::string& mapping : mappings_now()) {
      counts.mappings += old_mappings_.contains(mapping) ? 0 : 1;
    }
    return counts;
  }

 private:
  static std::set<std::string> mappings_now() {
    std::set<std::string> mappings;
    std::ifstream maps("/proc/self/maps");
    for (std::string line; std::getline(maps, line);) {
      if (line.find("memfd:poolmark") != std::string::npos) mappings.insert(line);
    }
    return mappings;
  }

  std::set<std::string> old_mappings_;
  NewDescriptors descriptors_;
};

}  // namespace poolmark::test
