#include "granularity/description.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>

#include "harness/build_info.hpp"
#include "harness/machine.hpp"
#include "peers/peers.hpp"

namespace bench {
namespace {

using Json = nlohmann::ordered_json;

std::string host_name() {
  std::array<char, 256> name{};
  return gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "unknown";
}

Json context() {
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
          {"kernel", machine.kernel},
          {"skipped", skipped_peers()}};
}

}  // namespace

Json description(const std::vector<Subject>& subjects) {
  Json all = Json::object();
  const int cpus = poolmark::usable_cpus();
  for (const Subject& each : subjects) {
    all[each.name()] = {{"executor", each.executor},
                        {"pattern", each.pattern + each.variant},
                        {"workers", each.workers},
                        {"cores", std::min(each.workers, cpus)},
                        {"chunked", each.hands_out == HandsOut::Chunks},
                        {"most_tasks", each.most_tasks}};
  }
  return {{"context", context()}, {"subjects", all}};
}

}  // namespace bench
