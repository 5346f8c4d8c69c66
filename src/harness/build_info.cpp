#include "harness/build_info.hpp"

#include <string_view>

#include "poolmark_commit.hpp"  // written by write_commit.cmake at every build

namespace poolmark::harness::detail {

const BuildInfo& build_info() {
  static const BuildInfo info = [] {
    BuildInfo built;
    built.version = POOLMARK_VERSION;
    built.build_type = POOLMARK_BUILD_TYPE;
    if (built.build_type.empty()) built.build_type = "unspecified";
    built.compiler = POOLMARK_COMPILER;
    built.compiler_flags = POOLMARK_COMPILER_FLAGS;
    built.commit = kCommit;
    if (built.commit != "unknown") built.dirty = kCommitIsDirty;
    return built;
  }();
  return info;
}

}  // namespace poolmark::harness::detail
