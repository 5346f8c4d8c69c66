// submit and as_completed: each future as it is done.
#include <poolmark/futures.hpp>

#include <chrono>
#include <vector>

#include "sum_generator.hpp"

namespace pm = poolmark;
using Clock = std::chrono::steady_clock;

const std::vector<std::uint64_t> kWorkList{100'000, 1'000'000, 10'000'000, 100'000'000};

int main() {
  const auto start = Clock::now();

  pm::ThreadPoolExecutor executor{4};
  std::vector<pm::Future<std::uint64_t>> futures;
  for (const std::uint64_t work : kWorkList) {
    futures.push_back(executor.submit(sum_generator, work));
    fmt::print("Scheduled for {} : {}\n", work, futures.back());
  }
  fmt::print("\n");

  for (auto& future : pm::as_completed(futures)) {
    fmt::print("Future Result : {}, Done : {}\n", future.result(), future.done());
    fmt::print("Future Cancelled : {}\n\n", future.cancelled());
  }

  const std::chrono::duration<double> elapsed = Clock::now() - start;
  fmt::print("\n Time : {:.2f}s\n", elapsed.count());
}
