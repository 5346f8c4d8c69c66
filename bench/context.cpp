#include "context.hpp"

#include <unistd.h>

#include <array>
#include <string>

#include "harness/build_info.hpp"
#include "harness/machine.hpp"

namespace bench {
namespace {

std::string host_name() {
  std::array<char, 256> name{};
  return gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "unknown";
}

}  // namespace

nlohmann::ordered_json context_of_run() {
  using Json = nlohmann::ordered_json;
  const auto& build = poolmark::harness::detail::build_info();
  const auto machine = poolmark::harness::detail::read_machine();
  return {{"host_name", host_name()},
          {"poolmark_version", build.version},
          {"build_type", build.build_type},
          {"compiler", build.compiler},
          {"compiler_flags", build.compiler_flags},
          {"commit", build.commit},
          {"dirty", build.dirty ? Json(*build.dirty) : Json(nullptr)},
          {"cpu_model", machine.cpu_model},
          {"usable_cpus", machine.usable_cpus},
          {"affinity", machine.affinity},
          {"cpu_quota", machine.cpu_quota ? Json(*machine.cpu_quota) : Json(nullptr)},
          {"governor", machine.governor},
          {"virtualization", machine.virtualization},
          {"kernel", machine.kernel}};
}

}  // namespace bench
