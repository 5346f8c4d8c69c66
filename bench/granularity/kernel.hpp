#pragma once

#include <cstdint>

/// The work of a task: so many steps that depend on each other, in registers alone.
namespace bench {

/// x -> 1664525 x + 1013904223 modulo 2^32, `steps` times from `seed`. One function that is not
/// inlined: every subject runs the same instructions at the same addresses, so that the place of a
/// loop in the program is no difference between pools.
int burn(int seed, std::uint32_t steps);

/// The sum modulo 2^32 of burn(0), burn(1), ... burn(n - 1), by algebra and not by steps: what a
/// batch of n tasks must add up to.
std::uint32_t sum_of_burns(std::uint32_t n, std::uint32_t steps);

/// A task, as it crosses to other threads and processes. Without steps it is an empty one.
struct Burn {
  std::uint32_t steps = 0;
  int operator()(int seed) const { return burn(seed, steps); }
};

}  // namespace bench
