#pragma once

#include <cstdint>

namespace bench {

/// x -> factor x + summand modulo 2^32. Applying one after the other gives one of the same kind.
struct Recurrence {
  std::uint32_t factor = 1;
  std::uint32_t summand = 0;

  constexpr std::uint32_t operator()(std::uint32_t x) const { return factor * x + summand; }
  /// First `this`, then `next`.
  constexpr Recurrence then(const Recurrence& next) const {
    return {next.factor * factor, next(summand)};
  }
};

/// Knuth and Lewis's generator: an odd factor keeps all 32 bits of the seed, so no two seeds end in
/// the same result.
inline constexpr Recurrence kStep{1664525, 1013904223};

/// kStep applied `steps` times, by repeated squaring. Its period is 2^32: 2^32 - n steps, which is
/// -n as an unsigned number, go back where n steps came from.
constexpr Recurrence all_steps(std::uint32_t steps) {
  Recurrence all;
  Recurrence power = kStep;
  for (; steps > 0; steps /= 2, power = power.then(power)) {
    if (steps % 2 == 1) all = all.then(power);
  }
  return all;
}

}  // namespace bench
