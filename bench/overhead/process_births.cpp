#include "overhead/process_births.hpp"

#include <benchmark/benchmark.h>

#include <optional>
#include <vector>

#include "overhead/process_tasks.hpp"
#include "overhead/shared_memory.hpp"
#include "overhead/small_process.hpp"
#include "overhead/words.hpp"

namespace bench {
namespace {

/// Where workers meet: the last to come opens the round for all.
struct MeetingPlace {
  Word arrived{0};
  Word round{0};
};

// One a program: the zygote, and so every worker, has it from its birth.
std::optional<Shared<MeetingPlace>> meeting_place;

}  // namespace

void prepare_processes() {
  meeting_place.emplace();
  start_small_process();
  poolmark::start_zygote();
}

void gather(PoolmarkProcesses& pool, int workers) {
  // Relaxed: submit() publishes it. A meeting that failed may have left some behind.
  (*meeting_place)->arrived.store(0, std::memory_order_relaxed);
  std::vector<poolmark::Future<int>> present;
  for (int i = 0; i < workers; ++i) present.push_back(pool.submit(in_worker::meet, workers));
  for (auto& worker : present) check_equal("the number of workers that met", take(worker), workers);
}

namespace in_worker {

int meet(int everybody) {
  MeetingPlace& place = **meeting_place;
  const std::uint32_t round = place.round.load(std::memory_order_acquire);
  // Acquire-release: the last one has seen everybody's look at the round before it changes it.
  if (place.arrived.fetch_add(1, std::memory_order_acq_rel) + 1 <
      static_cast<std::uint32_t>(everybody)) {
    sleep_while<Between::kProcesses>(place.round, round);
  } else {
    place.arrived.store(0, std::memory_order_relaxed);
    // Release: whoever sees the new round sees the empty place.
    place.round.fetch_add(1, std::memory_order_release);
    wake_up<Between::kProcesses>(place.round, everybody);
  }
  return everybody;
}

pid_t own_pid() { return getpid(); }

int never_end() {
  for (;;) benchmark::ClobberMemory();  // or the compiler may take it for a loop that ends
}

}  // namespace in_worker
}  // namespace bench
