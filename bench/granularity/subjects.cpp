#include "granularity/subjects.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <type_traits>

#include "granularity/collecting.hpp"
#include "overhead/pooled.hpp"
#include "overhead/process_births.hpp"
#include "peers/peers.hpp"
#include "peers/poolmark_processes.hpp"
#include "peers/poolmark_sequential.hpp"

namespace bench {
namespace {

// 50 ms of the finest tasks: as many as are held at once, with a future of some 100 bytes each.
constexpr std::size_t kMostTasks = 400'000;
constexpr std::size_t kMostElements = 4'000'000;  // of a chunked loop, which has no futures
constexpr std::size_t kMostThreads = 2'000;  // std::async: a thread each, alive until its get()

template <class Pool>
std::shared_ptr<Pool> warm_pool(int workers) {
  auto pool = std::make_shared<Pool>(workers);
  if constexpr (std::is_same_v<Pool, PoolmarkProcesses>) {
    gather(*pool, workers);
  } else {
    warm_up(*pool, workers);
  }
  return pool;
}

/// Makes subjects of one executor with one number of workers.
template <class Pool>
class Maker {
 public:
  Maker(std::vector<Subject>& into, std::string_view executor, int workers)
      : into_(into), executor_(executor), workers_(workers) {}

  /// `collect(pool, batch)` runs a batch.
  template <class Collect>
  void add(std::string pattern, HandsOut hands_out, Collect collect, std::string variant = "") {
    const auto start = [workers = workers_, collect]() -> RunBatch {
      auto pool = warm_pool<Pool>(workers);
      return [pool, collect](const Batch& batch) { collect(*pool, batch); };
    };
    const std::size_t most = std::is_same_v<Pool, StdAsync>  ? kMostThreads
                             : hands_out == HandsOut::Chunks ? kMostElements
                                                             : kMostTasks;
    into_.push_back(
        {executor_, std::move(pattern), workers_, hands_out, std::move(variant), most, start});
  }

  /// The patterns of poolmark's own executors.
  void add_ours() {
    add("map", HandsOut::Chunks, [](Pool& pool, const Batch& b) { by_map(pool, {}, b); });
    add(
        "map", HandsOut::Each,
        [](Pool& pool, const Batch& b) { by_map(pool, {.chunksize = 1}, b); }, "/chunksize:1");
    add("as_completed", HandsOut::Each,
        [](Pool& pool, const Batch& b) { by_as_completed(pool, b); });
    add("wait", HandsOut::Each, [](Pool& pool, const Batch& b) { by_wait(pool, b); });
  }

  /// What a peer has of: futures, tasks that return nothing, a loop.
  void add_of_peer() {
    if constexpr (Submits<Pool>) {
      add("futures", HandsOut::Each, [](Pool& pool, const Batch& b) { by_futures(pool, b); });
    }
    if constexpr (RunsTasks<Pool> || Posts<Pool>) {
      add("tasks", HandsOut::Each, [](Pool& pool, const Batch& b) { by_tasks(pool, b); });
    }
    if constexpr (Maps<Pool>) {
      add("loop", HandsOut::Chunks,
          [](Pool& pool, const Batch& b) { pool.map(b.task, b.seeds, b.results); });
    }
  }

 private:
  std::vector<Subject>& into_;
  std::string executor_;
  int workers_;
};

void add_peers(std::vector<Subject>& into, const std::vector<int>& workers) {
  for_each_peer([&]<class Peer>() {
    if constexpr (std::is_same_v<Peer, Loop>) {
      // Its futures and tasks are the same loop: the caller computes at once.
      Maker<Loop>(into, Loop::kName, 1)
          .add("loop", HandsOut::Chunks,
               [](Loop& loop, const Batch& b) { loop.map(b.task, b.seeds, b.results); });
    } else if constexpr (!HasWorkers<Peer>) {
      Maker<Peer>(into, Peer::kName, std::ranges::max(workers)).add_of_peer();
    } else if constexpr (!std::is_same_v<Peer, Poolmark>) {
      for (const int count : workers) Maker<Peer>(into, Peer::kName, count).add_of_peer();
    }
  });
}

}  // namespace

std::string Subject::name() const {
  return fmt::format("{}/{}/workers:{}{}", executor, pattern, workers, variant);
}

std::vector<Subject> all_subjects(const std::vector<int>& workers) {
  std::vector<Subject> all;
  Maker<PoolmarkSequential>(all, "sequential", 1).add_ours();
  for (const int count : workers) Maker<Poolmark>(all, "thread", count).add_ours();
  for (const int count : workers) Maker<PoolmarkProcesses>(all, "process", count).add_ours();
  add_peers(all, workers);
  return all;
}

}  // namespace bench
