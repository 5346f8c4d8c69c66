#pragma once

#include <cstdint>
#include <string>

#include "granularity/kernel.hpp"
#include "poolmark/harness/workload.hpp"

/// What scripts/gate measures: batches of a few milliseconds, so that a process a sample costs
/// little, in which a change of a pool, of its queues or of its wire shows.
///
/// No kernel is a loop that a processor runs faster at one address than at another: each is a chain
/// of operations that wait for one another, or divides.
namespace bench::gate {

/// A task of `burn.steps` steps.
struct Compute {
  Burn burn;
  int operator()(int seed) const;
};

/// Twelve primality tests: six primes, from a millisecond down, then six numbers that are done at
/// once.
poolmark::harness::Workload<std::uint64_t, bool> primes();

/// Tasks of some 8 us: a pool that wastes one shows it, and its workers are busy all the same.
poolmark::harness::Workload<int, int, Compute> fine();

/// Tasks of a quarter of a microsecond: almost all of the time is the pool's own.
poolmark::harness::Workload<int, int, Compute> tiny();

/// Tasks that are given 64 KiB each: what it costs to hand them over.
poolmark::harness::Workload<std::string, std::uint32_t> payload();

/// 24 naps of 3 ms: simulated I/O, many of which wait at once.
poolmark::harness::Workload<std::int64_t, std::int64_t> naps();

}  // namespace bench::gate
