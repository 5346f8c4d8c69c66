// submit and wait: what is done after seven seconds at most, and what is not.
#include <fmt/ranges.h>
#include <poolmark/futures.hpp>

#include <chrono>
#include <ranges>
#include <vector>

#include "sum_generator.hpp"

namespace pm = poolmark;
using namespace std::chrono_literals;
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

  const auto result = pm::wait(futures, {.timeout = 7s});
  fmt::print("{}\n", result);
  fmt::print("Completed Tasks : {}\n", result.done);
  fmt::print("Pending ones after waiting for 7seconds : {}\n", result.not_done);
  fmt::print("{}\n", result.done | std::views::transform([](auto& f) { return f.result(); }));

  const std::chrono::duration<double> elapsed = Clock::now() - start;
  fmt::print("\n Time : {:.2f}s\n", elapsed.count());
}
