// round_trip: one task from submit() to its result, the pool awake (hot) or asleep (cold).
// burst/cold: 32 tasks at once for a pool that sleeps.

#include <thread>

#include "overhead/pooled.hpp"
#include "peers/peers.hpp"

namespace bench {
namespace {

constexpr int kTrips = 1000;  // a region of several, so that reading the clock costs nothing
constexpr int kBurst = 32;
constexpr int kColdTries = 40;  // of a repetition: nearly all of their time is the pause
// Peers spin for some 10 to 1000 us before they sleep.
constexpr std::chrono::milliseconds kUntilAsleep{3};

template <Submits Peer>
void hot(Meter& meter, Peer& pool) {
  while (meter.next()) {
    std::int64_t sum = 0;
    meter.start();
    for (int i = 0; i < kTrips; ++i) {
      auto future = pool.submit([i] { return kIncrement(i); });
      sum += take(future);
    }
    meter.stop();
    check_equal("the sum of the results", sum, sum_to(kTrips));
  }
}

/// `n` tasks at once after each pause.
template <Submits Peer>
void cold(Meter& meter, Peer& pool, int n) {
  std::vector<FutureOf<Peer>> futures;
  futures.reserve(static_cast<std::size_t>(n));
  meter.use_median();
  while (meter.next()) {
    std::this_thread::sleep_for(kUntilAsleep);
    std::int64_t sum = 0;
    meter.start();
    for (int i = 0; i < n; ++i) futures.push_back(pool.submit([i] { return kIncrement(i); }));
    for (auto& future : futures) sum += take(future);
    meter.stop();
    futures.clear();
    check_equal("the sum of the results", sum, sum_to(n));
  }
}

}  // namespace

void add_round_trip_cases(Cases& cases) {
  for_each_peer([&]<class Peer>() {
    if constexpr (Submits<Peer>) {
      for (const int workers : worker_counts<Peer>({kFewWorkers, kWorkers})) {
        add_pooled<Peer>(cases, "round_trip/hot", kTrips, workers, hot<Peer>);
      }
      for (const int workers : worker_counts<Peer>({kWorkers})) {
        add_pooled<Peer>(cases, "round_trip/cold", 1, workers,
                         [](Meter& meter, Peer& pool) { cold(meter, pool, 1); },
                         {.iterations = kColdTries});
        add_pooled<Peer>(cases, "burst/cold", kBurst, workers,
                         [](Meter& meter, Peer& pool) { cold(meter, pool, kBurst); },
                         {.iterations = kColdTries});
      }
    }
  });
}

}  // namespace bench
