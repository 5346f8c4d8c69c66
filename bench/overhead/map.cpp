// map: one function over 100 000 elements as one loop. tasks_without_future: a task for each
// element, and nobody asks for results.

#include <numeric>

#include "overhead/pooled.hpp"
#include "peers/peers.hpp"

namespace bench {
namespace {

constexpr int kItems = 100'000;
constexpr int kChunk = 1000;

/// `map(in, out)` is the loop.
void map_items(Meter& meter, auto map) {
  Ints in(kItems);
  std::iota(in.begin(), in.end(), 0);
  Ints out(kItems);
  while (meter.next()) {
    std::ranges::fill(out, 0);
    meter.start();
    map(in, out);
    meter.stop();
    check_equal("the sum of the results", std::accumulate(out.begin(), out.end(), std::int64_t{0}),
                sum_to(kItems));
  }
}

template <class Peer>
void add_maps(Cases& cases, int workers) {
  add_pooled<Peer>(cases, "map/default", kItems, workers, [](Meter& meter, Peer& pool) {
    map_items(meter, [&](const Ints& in, Ints& out) { pool.map(kIncrement, in, out); });
  });
  if constexpr (MapsHelping<Peer>) {
    add_pooled<Peer>(cases, "map/caller_helps", kItems, workers, [](Meter& meter, Peer& pool) {
      map_items(meter, [&](const Ints& in, Ints& out) { pool.map_helping(kIncrement, in, out); });
    });
  }
  if constexpr (requires(Peer& pool, Ints& ints) { pool.map_with({}, kIncrement, ints, ints); }) {
    add_pooled<Peer>(cases, "map/chunksize:1000", kItems, workers, [](Meter& meter, Peer& pool) {
      map_items(meter, [&](const Ints& in, Ints& out) {
        pool.map_with({.chunksize = kChunk}, kIncrement, in, out);
      });
    });
  }
}

template <class Peer>
void tasks_without_future(Meter& meter, Peer& pool) {
  Ints out(kItems);
  while (meter.next()) {
    std::ranges::fill(out, 0);
    meter.start();
    run_tasks(pool, kItems, [&out](int i) { out[static_cast<std::size_t>(i)] = kIncrement(i); });
    meter.stop();
    check_equal("the sum of the results", std::accumulate(out.begin(), out.end(), std::int64_t{0}),
                sum_to(kItems));
  }
}

}  // namespace

void add_map_cases(Cases& cases) {
  for_each_peer([&]<class Peer>() {
    for (const int workers : worker_counts<Peer>({kFewWorkers, kWorkers})) {
      if constexpr (Maps<Peer>) add_maps<Peer>(cases, workers);
      if constexpr (RunsTasks<Peer> || Posts<Peer>) {
        add_pooled<Peer>(cases, "tasks_without_future/each", kItems, workers,
                         tasks_without_future<Peer>);
      }
    }
  });
}

}  // namespace bench
