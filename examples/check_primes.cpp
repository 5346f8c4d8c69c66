// Which of twenty numbers are prime? In worker processes; their number may be given.
#include <poolmark/futures.hpp>

#include <chrono>
#include <ranges>

#include "number_of_workers.hpp"
#include "primes.hpp"

namespace pm = poolmark;
using Clock = std::chrono::steady_clock;
using Seconds = std::chrono::duration<double>;

struct PrimeResult {
  std::uint64_t n;
  bool prime;
  Seconds elapsed;
};

PrimeResult check(std::uint64_t n) {
  const auto start = Clock::now();
  const bool prime = is_prime(n);
  return {n, prime, Clock::now() - start};
}

int main(int argc, char** argv) {
  const std::optional<int> workers = number_of_workers(argc, argv);

  pm::ProcessPoolExecutor executor{{.max_workers = workers}};
  fmt::print("Checking {} numbers with {} processes:\n", std::size(kNumbers),
             executor.max_workers());

  const auto start = Clock::now();
  // The largest first: the long ones must not come last.
  for (const auto [n, prime, elapsed] : executor.map(check, kNumbers | std::views::reverse)) {
    fmt::print("{:16}  {} {:9.6f}s\n", n, prime ? 'P' : ' ', elapsed.count());
  }
  executor.shutdown();
  const Seconds total = Clock::now() - start;
  fmt::print("Total time: {:.2f}s\n", total.count());
}
