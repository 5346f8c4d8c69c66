#include "peers/peers.hpp"

namespace bench {

std::vector<std::string> skipped_peers() {
  std::vector<std::string> skipped;
  [[maybe_unused]] const auto skip = [&](const char* name) {
    skipped.push_back(std::string(name) + " (not found when this was built)");
  };
#ifndef BENCH_HAS_TBB
  skip("oneTBB");
#endif
#ifndef BENCH_HAS_ASIO
  skip("Asio");
#endif
#ifndef BENCH_HAS_OPENMP
  skip("OpenMP");
#endif
  return skipped;
}

std::string peer_names() {
  std::string names;
  for_each_peer([&]<class Peer>() { (names += names.empty() ? "" : ", ") += Peer::kName; });
  return names;
}

}  // namespace bench
