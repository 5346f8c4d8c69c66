// idle: a pool that has run something and is left alone for a second.

#include <thread>

#include "overhead/pooled.hpp"
#include "peers/peers.hpp"

namespace bench {
namespace {

constexpr std::chrono::seconds kAlone{1};

template <class Peer>
void idle(Meter& meter, Peer&) {
  while (meter.next()) {
    const Usage before = Usage::now();
    meter.start();
    std::this_thread::sleep_for(kAlone);
    meter.stop();
    const Usage after = Usage::now();
    meter.report("cpu_ms_per_s", static_cast<double>(after.cpu_ns - before.cpu_ns) / 1e6);
    meter.report("context_switches_per_s", static_cast<double>(after.switches - before.switches));
  }
}

}  // namespace

void add_idle_cases(Cases& cases) {
  for_each_peer([&]<class Peer>() {
    // The loop has no pool: it shows what the rest of the process uses in that second.
    if constexpr (HasWorkers<Peer> || std::is_same_v<Peer, Loop>) {
      for (const int workers : worker_counts<Peer>({kWorkers})) {
        add_pooled<Peer>(cases, "idle/second", 1, workers, idle<Peer>,
                         {.iterations = 1, .repetitions = 3});
      }
    }
  });
}

}  // namespace bench
