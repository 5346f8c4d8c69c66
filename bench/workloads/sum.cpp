#include <algorithm>
#include <ctime>

#include "workloads/generator.hpp"
#include "workloads/workloads.hpp"

namespace bench {
namespace {

// Not inlined: a compiler that sees the coroutine and the loop around it at once may keep the
// coroutine off the heap, fold both into one loop, and that into n * (n + 1) / 2.
[[gnu::noinline]] Generator<std::uint64_t> numbers_to(std::uint64_t n) {
  for (std::uint64_t i = 1; i <= n; ++i) co_yield i;
}

/// CPU time of this thread: on a busy machine others may run in between.
std::chrono::nanoseconds cpu_time() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec);
}

std::chrono::nanoseconds time_of_sum(int scale) {
  constexpr std::uint64_t kTerms =
      200'000;  // about half a millisecond: far above the clock's grain
  const std::uint64_t n = kTerms * static_cast<std::uint64_t>(scale);
  const auto start = cpu_time();
  const std::uint64_t got = sum_to(n);
  const auto took = cpu_time() - start;
  if (got != n * (n + 1) / 2) {
    throw poolmark::harness::WrongResult("sum", 0, got, n * (n + 1) / 2);
  }
  return took;
}

/// Never rests: a loop that runs it does nothing else meanwhile.
poolmark::Coroutine<std::uint64_t> sum_on_loop(std::uint64_t n) { co_return sum_to(n); }

}  // namespace

std::uint64_t sum_to(std::uint64_t n) {
  std::uint64_t total = 0;
  for (const std::uint64_t value : numbers_to(n)) total += value;
  return total;
}

void require_time_grows(const char* workload, std::chrono::nanoseconds (*time_of)(int scale)) {
  // Noise only ever adds time, so the least of several tries is nearest to the truth. The bounds
  // are wide all the same: a closed form gives 1, not 5.
  constexpr int kTries = 7;
  constexpr double kLeast = 5;
  constexpr double kMost = 20;
  auto once = std::chrono::nanoseconds::max();
  auto ten_times = std::chrono::nanoseconds::max();
  for (int i = 0; i < kTries; ++i) {
    once = std::min(once, time_of(1));
    ten_times = std::min(ten_times, time_of(10));
  }
  const double ratio = static_cast<double>(ten_times.count()) /
                       static_cast<double>(std::max<std::int64_t>(1, once.count()));
  if (ratio >= kLeast && ratio <= kMost) return;
  throw poolmark::harness::WrongResult(fmt::format(
      "{} is not measured as what it is: ten times the work took {:.1f} times as long, which "
      "should "
      "be between {} and {}; either the compiler replaced the work by a formula, or the machine is "
      "too busy to measure on",
      workload, ratio, kLeast, kMost));
}

poolmark::harness::Workload<std::uint64_t, std::uint64_t> sum() {
  return {.name = "sum",
          .inputs = {100'000, 1'000'000, 10'000'000, 10'000'000},
          .long_inputs = {100'000, 1'000'000, 10'000'000, 100'000'000},
          .task = sum_to,
          .check = poolmark::harness::results_equal<std::uint64_t, std::uint64_t>(
              "sum", [](const std::uint64_t& n) { return n * (n + 1) / 2; }),
          .self_check = [] { require_time_grows("sum", time_of_sum); },
          .coroutine = sum_on_loop};
}

}  // namespace bench
