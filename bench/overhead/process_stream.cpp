// process/stream: n tasks are submitted one by one, then all results are taken. process/map: one
// function over 100 000 elements, by default options. Both in a pool of processes.

#include <array>
#include <numeric>

#include "overhead/process_pooled.hpp"

namespace bench {
namespace {

constexpr int kLong = 100'000;

struct Stream {
  int n;
  // Fixed, so that no pool is made only to find out how many make a good repetition.
  HowOften how_often;
};

constexpr Stream kLongest{kLong, {.iterations = 6}};
constexpr std::array kStreams{Stream{1, {.iterations = 2000}}, Stream{100, {.iterations = 200}},
                              kLongest};

constexpr HowOften kMaps{.iterations = 50};  // the first ones find the workers asleep

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
  for (const auto& [length, how_often] : kStreams) {
    for (const int workers : {kFewWorkers, kWorkers}) {
      add_with_processes(
          cases, "process/stream/result", length, workers,
          [n = length](Meter& meter, PoolmarkProcesses& pool) { stream(meter, pool, n); },
          how_often);
    }
  }
  add_with_processes(cases, "process/map/default", kLong, kWorkers, map, kMaps);
}

}  // namespace bench
