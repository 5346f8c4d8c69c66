#include "granularity/description.hpp"

#include <algorithm>

#include "context.hpp"
#include "peers/peers.hpp"

namespace bench {
namespace {

using Json = nlohmann::ordered_json;

Json context() {
  Json all = context_of_run();
  all["skipped"] = skipped_peers();
  return all;
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
