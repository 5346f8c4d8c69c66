#pragma once

#include <cstdint>

/// 1 + 2 + ... + n, one number after the other.
inline std::uint64_t sum_generator(std::uint64_t n) {
  std::uint64_t sum = 0;
  for (std::uint64_t i = 1; i <= n; ++i) {
    sum += i;
    asm volatile("" : "+r"(sum));  // or the compiler puts n * (n + 1) / 2 in place of the loop
  }
  return sum;
}
