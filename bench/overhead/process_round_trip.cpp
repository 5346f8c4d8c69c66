// process/round_trip: one task from submit() to its result, the pool of processes awake (hot) or
// asleep (cold). process/payload: the same with a vector that goes there and comes back.

#include <array>
#include <thread>

#include "overhead/process_pooled.hpp"

namespace bench {
namespace {

constexpr int kTrips = 1000;  // a region of several, so that reading the clock costs nothing
// The first ones find both processes on one core, until the kernel moves one of them.
constexpr HowOften kHotRegions{.iterations = 40};
constexpr int kColdTries = 60;  // of a repetition: nearly all of their time is the pause

void hot(Meter& meter, PoolmarkProcesses& pool) {
  meter.use_median();
  while (meter.next()) {
    std::int64_t sum = 0;
    meter.start();
    for (int i = 0; i < kTrips; ++i) {
      auto future = pool.submit(in_worker::increment, i);
      sum += take(future);
    }
    meter.stop();
    check_equal("the sum of the results", sum, sum_to(kTrips));
  }
}

void cold(Meter& meter, PoolmarkProcesses& pool) {
  meter.use_median();
  while (meter.next()) {
    std::this_thread::sleep_for(kUntilProcessesSleep);
    meter.start();
    auto future = pool.submit(in_worker::increment, 1);
    const int result = take(future);
    meter.stop();
    check_equal("the result", result, 2);
  }
}

/// There and back: the result is in the caller's hands, in memory of its own.
void payload(Meter& meter, PoolmarkProcesses& pool, std::size_t bytes) {
  std::vector<double> sent(bytes / sizeof(double), 1.0);
  const auto size = static_cast<std::int64_t>(sent.size());
  meter.count_bytes(2 * static_cast<std::int64_t>(bytes));
  pool.submit(in_worker::give_back, sent).result();  // warm, as what it is compared with
  std::int64_t turn = 0;
  while (meter.next()) {
    // Other values each time: what an earlier turn left somewhere is no answer.
    sent.front() = static_cast<double>(++turn);
    sent.back() = static_cast<double>(turn + size);
    meter.start();
    auto future = pool.submit(in_worker::give_back, sent);
    const std::vector<double>& got = future.result();
    meter.stop();
    check_equal("the size of the result", static_cast<std::int64_t>(got.size()), size);
    check_equal("its first value", static_cast<std::int64_t>(got.front()),
                static_cast<std::int64_t>(sent.front()));
    check_equal("its last value", static_cast<std::int64_t>(got.back()),
                static_cast<std::int64_t>(sent.back()));
  }
}

struct Payload {
  std::string_view name;
  std::size_t bytes;
  std::int64_t iterations;
};

constexpr std::size_t kKiB = 1024;
constexpr std::array kPayloads{
    Payload{"process/payload/8B", 8, 1000},
    Payload{"process/payload/64KiB", 64 * kKiB, 200},
    Payload{"process/payload/1MiB", 1024 * kKiB, 40},
    Payload{"process/payload/64MiB", 64 * 1024 * kKiB, 3},
};

}  // namespace

void add_process_round_trip_cases(Cases& cases) {
  for (const int workers : {kFewWorkers, kWorkers}) {
    add_with_processes(cases, "process/round_trip/hot", kTrips, workers, hot, kHotRegions);
  }
  add_with_processes(cases, "process/round_trip/cold", 1, kWorkers, cold,
                     {.iterations = kColdTries});
  for (const Payload& each : kPayloads) {
    add_with_processes(cases, each.name, 1, kWorkers,
                       [bytes = each.bytes](Meter& meter, PoolmarkProcesses& pool) {
                         payload(meter, pool, bytes);
                       },
                       {.iterations = each.iterations});
  }
}

}  // namespace bench
