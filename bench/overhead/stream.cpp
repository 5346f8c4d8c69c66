// stream: n tasks are submitted one by one, then all results are taken.

#include "overhead/pooled.hpp"
#include "peers/peers.hpp"

namespace bench {
namespace {

constexpr int kLong = 100'000;
constexpr int kLongForThreads = 10'000;  // std::async keeps a stack for each task until its get()

/// One iteration after another; `collect(futures)` returns the sum of all results.
template <Submits Peer, class Collect>
void stream(Meter& meter, Peer& pool, int n, Collect collect) {
  std::vector<FutureOf<Peer>> futures;
  futures.reserve(static_cast<std::size_t>(n));
  while (meter.next()) {
    meter.start();
    for (int i = 0; i < n; ++i) futures.push_back(pool.submit([i] { return kIncrement(i); }));
    const std::int64_t sum = collect(futures);
    futures.clear();
    meter.stop();
    check_equal("the sum of the results", sum, sum_to(n));
  }
}

std::int64_t by_result(auto& futures) {
  std::int64_t sum = 0;
  for (auto& future : futures) sum += take(future);
  return sum;
}

std::int64_t by_as_completed(auto& futures) {
  std::int64_t sum = 0;
  for (auto& future : poolmark::as_completed(futures)) sum += future.result();
  return sum;
}

std::int64_t by_wait(auto& futures) {
  std::int64_t sum = 0;
  for (auto& future : poolmark::wait(futures).done) sum += future.result();
  return sum;
}

template <Submits Peer>
void add_streams(Cases& cases, int n, int workers) {
  add_pooled<Peer>(cases, "stream/result", n, workers, [n](Meter& meter, Peer& pool) {
    stream(meter, pool, n, [](auto& futures) { return by_result(futures); });
  });
  if constexpr (HasPoolmarkFutures<Peer>) {
    add_pooled<Peer>(cases, "stream/as_completed", n, workers, [n](Meter& meter, Peer& pool) {
      stream(meter, pool, n, [](auto& futures) { return by_as_completed(futures); });
    });
    add_pooled<Peer>(cases, "stream/wait", n, workers, [n](Meter& meter, Peer& pool) {
      stream(meter, pool, n, [](auto& futures) { return by_wait(futures); });
    });
  }
}

}  // namespace

void add_stream_cases(Cases& cases) {
  for_each_peer([&]<class Peer>() {
    if constexpr (Submits<Peer>) {
      const bool threads = std::is_same_v<Peer, StdAsync>;
      for (const int n : {1, 100, threads ? kLongForThreads : kLong}) {
        for (const int workers : worker_counts<Peer>({kFewWorkers, kWorkers})) {
          add_streams<Peer>(cases, n, workers);
        }
      }
    }
  });
}

}  // namespace bench
