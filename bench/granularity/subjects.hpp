#pragma once

#include <functional>
#include <string>
#include <vector>

#include "granularity/kernel.hpp"
#include "peers/peer.hpp"

/// What is measured: an executor or a peer, a way of handing out and collecting, so many workers.
namespace bench {

/// A batch: a task for each seed. Results stand in the order in which the caller got them.
struct Batch {
  Burn task;
  const Ints& seeds;
  Ints& results;
};

/// Runs one batch on a pool that it keeps; returns when the caller holds all results.
using RunBatch = std::function<void(const Batch&)>;

/// Whether tasks may be handed out several at a time. A chunked loop has the overhead of a chunk,
/// shared by its tasks: it is no rival of a pool that hands out each task by itself.
enum class HandsOut { Each, Chunks };

struct Subject {
  std::string executor;  ///< thread, process, sequential; or a peer's name
  std::string pattern;   ///< map, as_completed, wait; of peers futures, tasks, loop
  int workers;
  HandsOut hands_out;
  std::string variant;              ///< of the name: "/chunksize:1", or nothing
  std::size_t most_tasks;           ///< in a batch
  std::function<RunBatch()> start;  ///< makes the pool, with every worker up

  /// executor/pattern/workers:2, and the variant
  std::string name() const;
};

/// Every subject that this build has, for each of these worker counts. Those without workers of
/// their own are there once: with 1 if the caller computes, else with the largest count.
std::vector<Subject> all_subjects(const std::vector<int>& workers);

}  // namespace bench
