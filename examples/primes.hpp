#pragma once

#include <cstdint>

// Ascending. A few large primes are most of the work: a second of it.
inline constexpr std::uint64_t kNumbers[] = {2,
                                             142702110479723,
                                             299593572317531,
                                             3333333333333301,
                                             3333333333333333,
                                             3333335652092209,
                                             4444444444444423,
                                             4444444444444444,
                                             4444444488888889,
                                             5555553133149889,
                                             5555555555555503,
                                             5555555555555555,
                                             6666666666666666,
                                             6666666666666719,
                                             6666667141414921,
                                             7777777536340681,
                                             7777777777777753,
                                             7777777777777777,
                                             9999999999999917,
                                             9999999999999999};

/// By trial division.
inline bool is_prime(std::uint64_t n) {
  if (n < 2) return false;
  if (n % 2 == 0) return n == 2;
  for (std::uint64_t divisor = 3; divisor * divisor <= n; divisor += 2) {
    if (n % divisor == 0) return false;
  }
  return true;
}
