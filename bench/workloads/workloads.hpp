#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "poolmark/harness/workload.hpp"

/// The four workloads of `scaling`: one that computes unevenly, one that computes through lazy
/// code, one that waits, and one that waits for its first task far longer than for the others.
namespace bench {

/// Twenty primality tests, the costly ones first: a few large primes hold most of the work.
poolmark::harness::Workload<std::uint64_t, bool> primes();

/// Sums of 1..n through a generator, value by value.
poolmark::harness::Workload<std::uint64_t, std::uint64_t> sum();

/// Simulated I/O: 64 naps of 10 ms. Results are how long each really took, in ns.
poolmark::harness::Workload<std::int64_t, std::int64_t> sleep();

/// A nap of 100 ms, then 24 of 4 ms: the first task of a batch holds back all that comes after it,
/// where results are wanted in order.
poolmark::harness::Workload<std::int64_t, std::int64_t> skewed();

/// Whether `number` is prime, by trial division.
bool is_prime(std::uint64_t number);

/// 1 + 2 + ... + n, one value of a generator at a time.
std::uint64_t sum_to(std::uint64_t n);

/// Throws WrongResult unless ten times as much work takes about ten times as long: a compiler that
/// finds the closed form of a loop makes it take the same.
/// `time_of(scale)` runs the work at 1x or 10x and returns how long it took.
void require_time_grows(const char* workload, std::chrono::nanoseconds (*time_of)(int scale));

/// Blocks for `nanoseconds`; returns how long it really was.
std::int64_t nap(std::int64_t nanoseconds);

/// The same on an event loop, which goes on meanwhile.
poolmark::Coroutine<std::int64_t> nap_on_loop(std::int64_t nanoseconds);

/// The check of naps: none was shorter than wanted.
std::function<void(const std::vector<std::int64_t>&, const std::vector<std::int64_t>&)>
slept_long_enough(std::string workload);

}  // namespace bench
