// process/stream: n tasks are submitted one by one, then all results are taken. process/map: one
// function over 100 000 elements, by default options. Both in a pool of processes.

#include <numeric>

#include "overhead/process_pooled.hpp"

namespace bench {
namespace {

constexpr int kLong = 100'000;
constexpr HowOften kLongRuns{.iterations = 3};  // of some 100 ms

void stream(Meter& meter, PoolmarkProcesses& pool, int n) {
  std::vector<poolmark::Future<int>> futures;
  futures.reserve(static_cast<std::size_t>(n));
  while (meter.next()) {
    std::int64_t sum = 0;
    meter.start();
    for (int i = 0; i < n; ++i) futures.push_back(pool.submit(in_worker::increment, i));
    for (auto& future : futures) sum += take(future);
    futures.clear();
    meter.stop();
    check_equal("the sum of the results", sum, sum_to(n));
  }
}

void map(Meter& meter, PoolmarkProcesses& pool) {
  Ints in(kLong);
  std::iota(in.begin(), in.end(), 0);
  Ints out(kLong);
  while (meter.next()) {
    std::ranges::fill(out, 0);
    meter.start();
    pool.map(in_worker::increment, in, out);
    meter.stop();
    check_equal("the sum of the results", std::accumulate(out.begin(), out.end(), std::int64_t{0}),
                sum_to(kLong));
  }
}

}  // namespace

void add_process_stream_cases(Cases& cases) {
  for (const int n : {1, 100, kLong}) {
    for (const int workers : {kFewWorkers, kWorkers}) {
      add_with_processes(
          cases, "process/stream/result", n, workers,
          [n](Meter& meter, PoolmarkProcesses& pool) { stream(meter, pool, n); },
          n == kLong ? kLongRuns : HowOften{});
    }
  }
  add_with_processes(cases, "process/map/default", kLong, kWorkers, map, kLongRuns);
}

}  // namespace bench
