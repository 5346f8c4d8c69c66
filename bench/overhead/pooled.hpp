#pragma once

#include <atomic>
#include <chrono>
#include <initializer_list>
#include <memory>
#include <string_view>
#include <thread>
#include <vector>

#include "overhead/cases.hpp"
#include "overhead/event.hpp"
#include "peers/peer.hpp"
#include "poolmark/executor.hpp"

/// Cases that run on a pool of a peer.
namespace bench {

/// Makes every worker run something, so that no case pays for their start, and proves that there
/// are as many as were asked for. WrongResult if not.
template <class Peer>
void warm_up(Peer& pool, int workers) {
  if constexpr (Posts<Peer> && HasWorkers<Peer>) {
    struct Meeting {
      std::atomic<int> arrived{0};
      std::atomic<int> left{0};
      Event all_left;
    };
    const auto meeting = std::make_shared<Meeting>();
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    for (int i = 0; i < workers; ++i) {
      pool.post([meeting, workers, deadline] {
        ++meeting->arrived;
        while (meeting->arrived < workers && std::chrono::steady_clock::now() < deadline) {
          std::this_thread::yield();
        }
        // All are counted before the last one leaves: one worker alone would sit out the deadline.
        if (++meeting->left == workers) meeting->all_left.set();
      });
    }
    meeting->all_left.wait();
    if (std::chrono::steady_clock::now() >= deadline) throw WrongResult("not all workers came");
  } else if constexpr (RunsTasks<Peer>) {
    pool.run_tasks(workers, [](int) {});
  }
}

/// A task an element: by what the peer has for that, else by posting.
template <class Peer>
void run_tasks(Peer& pool, int n, auto task) {
  if constexpr (RunsTasks<Peer>) {
    pool.run_tasks(n, task);
  } else {
    Event done;
    std::atomic<int> left{n};
    for (int i = 0; i < n; ++i) {
      pool.post([&, i] {
        task(i);
        if (--left == 0) done.set();
      });
    }
    done.wait();
  }
}

/// Says so beside the numbers of a limit that needs two CPUs and has not got them.
inline void note_few_cpus(Meter& meter) {
  if (poolmark::usable_cpus() < 2) meter.note("fewer than two usable CPUs: no limit of anything");
}

/// The worker counts that make sense for a peer: 0 stands for "has none of its own".
template <class Peer>
std::vector<int> worker_counts(std::initializer_list<int> counts) {
  if constexpr (HasWorkers<Peer>) {
    return counts;
  } else {
    return {0};
  }
}

/// How often, where that cannot be left to Google Benchmark; see Case.
struct HowOften {
  std::int64_t iterations = 0;
  int repetitions = 0;
};

/// Adds a case of a peer: run(meter).
template <class Peer>
void add_case(Cases& cases, std::string_view what, std::int64_t n, int workers,
              std::function<void(Meter&)> run, HowOften how_often = {}) {
  cases.push_back({.name = case_name(what, Peer::kName, n, workers),
                   .tasks = n,
                   .run = std::move(run),
                   .iterations = how_often.iterations,
                   .repetitions = how_often.repetitions});
}

/// Adds a case whose body gets a warm pool: body(meter, pool).
template <class Peer, class Body>
void add_pooled(Cases& cases, std::string_view what, std::int64_t n, int workers, Body body,
                HowOften how_often = {}) {
  const auto run = [workers, body](Meter& meter) {
    Peer pool(workers);
    warm_up(pool, workers);
    body(meter, pool);
  };
  add_case<Peer>(cases, what, n, workers, run, how_often);
}

/// 1 + 2 + ... + n: the sum of the results of kIncrement of 0 ... n - 1.
constexpr std::int64_t sum_to(std::int64_t n) { return n * (n + 1) / 2; }

}  // namespace bench
