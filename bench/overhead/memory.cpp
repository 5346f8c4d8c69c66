// memory/pending: how much memory a task takes that has been submitted and has not begun.

#include <malloc.h>
#include <unistd.h>

#include <fstream>

#include "overhead/pooled.hpp"
#include "peers/peers.hpp"

namespace bench {
namespace {

constexpr int kTasks = 100'000;

/// Bytes that malloc has handed out and not got back.
std::int64_t allocated_bytes() {
  const struct mallinfo2 all = mallinfo2();
  return static_cast<std::int64_t>(all.uordblks + all.hblkhd);
}

/// Bytes of this process that lie in memory, for peers with an allocator of their own.
std::int64_t resident_bytes() {
  std::int64_t pages = 0;
  std::int64_t resident = 0;
  std::ifstream("/proc/self/statm") >> pages >> resident;
  return resident * sysconf(_SC_PAGESIZE);
}

/// Keeps every worker busy until it is released.
template <class Peer>
void block(Peer& pool, int workers, Event& release, std::atomic<int>& blocked) {
  for (int i = 0; i < workers; ++i) {
    pool.post([&] {
      ++blocked;
      release.wait();
      --blocked;
    });
  }
  while (blocked < workers) std::this_thread::yield();
}

template <class Peer>
void pending(Meter& meter, Peer& pool, int workers) {
  while (meter.next()) {
    Event release;
    std::atomic<int> blocked{0};
    block(pool, workers, release, blocked);
    std::vector<FutureOf<Peer>> futures;
    futures.reserve(kTasks);
    malloc_trim(0);
    const std::int64_t before = allocated_bytes();
    const std::int64_t resident_before = resident_bytes();
    meter.start();
    for (int i = 0; i < kTasks; ++i) futures.push_back(pool.submit([i] { return kIncrement(i); }));
    meter.stop();
    meter.report("bytes_per_task", static_cast<double>(allocated_bytes() - before) / kTasks);
    meter.report("resident_bytes_per_task",
                 static_cast<double>(resident_bytes() - resident_before) / kTasks);
    release.set();
    std::int64_t sum = 0;
    for (auto& future : futures) sum += take(future);
    while (blocked > 0) std::this_thread::yield();
    check_equal("the sum of the results", sum, sum_to(kTasks));
  }
}

}  // namespace

void add_memory_cases(Cases& cases) {
  for_each_peer([&]<class Peer>() {
    if constexpr (Submits<Peer> && Posts<Peer> && HasWorkers<Peer>) {
      add_pooled<Peer>(cases, "memory/pending", kTasks, kFewWorkers,
                       [](Meter& meter, Peer& pool) { pending(meter, pool, kFewWorkers); },
                       {.iterations = 1});
    }
  });
}

}  // namespace bench
