// map: one function over a list. Results come in the order of the list, however long each takes.
#include <poolmark/futures.hpp>

#include <chrono>
#include <vector>

#include "sum_generator.hpp"

namespace pm = poolmark;
using Clock = std::chrono::steady_clock;

const std::vector<std::uint64_t> kWorkList{100'000, 1'000'000, 10'000'000, 10'000'000};

int main() {
  const auto start = Clock::now();

  pm::ThreadPoolExecutor executor;
  auto result = executor.map(sum_generator, kWorkList);
  executor.shutdown();  // waits, as the end of Python's with statement does

  const std::chrono::duration<double> elapsed = Clock::now() - start;
  fmt::print("\n Result -> [{}] Time : {:.2f}s\n", fmt::join(result, ", "), elapsed.count());
}
