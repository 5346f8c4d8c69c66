// submitters: several threads use one pool at once; the time of a task is that of all of them
// together.

#include <barrier>
#include <thread>

#include "overhead/pooled.hpp"
#include "peers/peers.hpp"

namespace bench {
namespace {

constexpr int kTasks = 100'000;  // of all submitters together

template <Submits Peer>
std::int64_t submit_and_take(Peer& pool, std::vector<FutureOf<Peer>>& futures, int n) {
  for (int i = 0; i < n; ++i) futures.push_back(pool.submit([i] { return kIncrement(i); }));
  std::int64_t sum = 0;
  for (auto& future : futures) sum += take(future);
  futures.clear();
  return sum;
}

/// The submitters are threads beside the caller, one too, so that the numbers compare.
template <Submits Peer>
void submitters(Meter& meter, Peer& pool, int count) {
  const int each = kTasks / count;
  std::barrier gate(count + 1);  // passed together at the begin and at the end of an iteration
  bool ended = false;            // written before a gate that all pass, read behind it
  std::atomic<std::int64_t> sum{0};
  {
    std::vector<std::jthread> threads;
    for (int k = 0; k < count; ++k) {
      threads.emplace_back([&] {
        std::vector<FutureOf<Peer>> futures;
        futures.reserve(static_cast<std::size_t>(each));
        while (true) {
          gate.arrive_and_wait();
          if (ended) return;
          sum += submit_and_take(pool, futures, each);
          gate.arrive_and_wait();
        }
      });
    }
    std::int64_t expected = 0;
    while (meter.next()) {
      expected += count * sum_to(each);
      meter.start();
      gate.arrive_and_wait();
      gate.arrive_and_wait();
      meter.stop();
    }
    ended = true;
    gate.arrive_and_wait();
    threads.clear();
    check_equal("the sum of the results", sum, expected);
  }
}

}  // namespace

void add_submitter_cases(Cases& cases) {
  for_each_peer([&]<class Peer>() {
    if constexpr (Submits<Peer> && HasWorkers<Peer>) {
      for (const int count : {1, 4}) {
        add_pooled<Peer>(cases, fmt::format("submitters:{}/result", count), kTasks, kWorkers,
                         [count](Meter& meter, Peer& pool) { submitters(meter, pool, count); });
      }
    }
  });
}

}  // namespace bench
