// map: results in the order of the input, however long each takes. A program of the Fluent Python
// lessons: sum 1..n value by value for several n, one after the other and in a pool.
#include <poolmark/futures.hpp>

#include <chrono>
#include <cstdint>
#include <vector>

namespace pm = poolmark;

std::uint64_t sum_to(std::uint64_t n) {
  std::uint64_t sum = 0;
  for (std::uint64_t i = 1; i <= n; ++i) {
    asm volatile("" : "+r"(sum));  // or the compiler replaces the loop by n(n+1)/2
    sum += i;
  }
  return sum;
}

template <pm::Executor E>
bool run(const char* name, E& executor) {
  const std::vector<std::uint64_t> work{100'000, 1'000'000, 10'000'000, 10'000'000};
  const auto start = std::chrono::steady_clock::now();
  std::vector<std::uint64_t> sums;
  for (std::uint64_t sum : executor.map(sum_to, work)) sums.push_back(sum);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  fmt::print("{:10} -> {} {} {} {}   {:.3f} s\n", name, sums[0], sums[1], sums[2], sums[3],
             took.count());
  return sums == std::vector<std::uint64_t>{5'000'050'000, 500'000'500'000, 50'000'005'000'000,
                                            50'000'005'000'000};
}

int main() {
  pm::start_zygote();
  pm::SequentialExecutor one_by_one;
  pm::ProcessPoolExecutor processes{{.start_method = pm::StartMethod::ProcessZygote}};
  pm::ThreadPoolExecutor threads;
  const bool right =
      run("sequential", one_by_one) && run("threads", threads) && run("processes", processes);
  return right ? 0 : 1;
}
