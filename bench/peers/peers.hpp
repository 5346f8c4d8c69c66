#pragma once

#include <string>
#include <tuple>
#include <type_traits>
#include <vector>

#include "peers/loop.hpp"
#include "peers/poolmark.hpp"
#include "peers/std_async.hpp"
#ifdef BENCH_HAS_TBB
#include "peers/tbb.hpp"
#endif
#ifdef BENCH_HAS_ASIO
#include "peers/asio.hpp"
#endif
#ifdef BENCH_HAS_OPENMP
#include "peers/openmp.hpp"
#endif

namespace bench {

/// All peers that were found when this was built, as std::type_identity<Peer>...
using Peers = std::tuple<std::type_identity<Poolmark>,
#ifdef BENCH_HAS_TBB
                         std::type_identity<Tbb>,
#endif
#ifdef BENCH_HAS_ASIO
                         std::type_identity<Asio>,
#endif
#ifdef BENCH_HAS_OPENMP
                         std::type_identity<OpenMp>,
#endif
                         std::type_identity<StdAsync>, std::type_identity<Loop>>;

/// Calls `visit.template operator()<Peer>()` for each peer.
template <class F>
void for_each_peer(F visit) {
  std::apply(
      [&](auto... peers) { (visit.template operator()<typename decltype(peers)::type>(), ...); },
      Peers{});
}

/// "oneTBB (not found when this was built)", for each peer that is not there.
std::vector<std::string> skipped_peers();
/// "poolmark, tbb, ..."
std::string peer_names();

}  // namespace bench
