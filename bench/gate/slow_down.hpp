#pragma once

#include <cstdint>

/// Slow-downs as real work, for the validation of the gate.
namespace bench {

/// Says which cell the process measures, before it forks or starts a thread: the arguments of
/// main(), from which the filter is read.
void choose_slow_downs(int argc, char** argv);

/// What a task does beside its work: nothing, unless injected.hpp says otherwise.
void slow_down();

/// burn(seed, steps) by as many more steps as injected.hpp says. In the same loop, which begins
/// before the seed: a second loop beside it would cost more than its steps
/// (docs/investigations/2026-11-28-a-second-loop.md).
int burn_longer(int seed, std::uint32_t steps);

/// How long a nap of `nanoseconds` is to be.
std::int64_t slowed_nap(std::int64_t nanoseconds);

}  // namespace bench
