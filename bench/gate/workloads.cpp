#include "gate/workloads.hpp"

#include <cstddef>
#include <numeric>
#include <vector>

#include "gate/injected.hpp"
#include "gate/slow_down.hpp"
#include "workloads/workloads.hpp"

namespace bench::gate {
namespace {

// Two are enough to see whether workers get into each other's way, and every machine has them.
const std::vector<int> kTwoWorkers = {2};

constexpr std::uint32_t kFineSteps = 6'000;
constexpr int kFineTasks = 800;
constexpr std::uint32_t kTinySteps = 200;
// More would touch so much new memory that a process spends its time on page faults.
constexpr int kTinyTasks = 6'000;

constexpr std::size_t kPayloadBytes = 65'536;
// More would be new memory for so long that batches still get faster when a sample ends.
constexpr int kPayloads = 64;
constexpr std::size_t kStride = 2;  // a batch is not of copying alone, and takes over 1 ms

constexpr std::int64_t kNap = 3'000'000;  // ns
constexpr std::size_t kNaps = 24;
constexpr int kNappers = 8;

poolmark::harness::Workload<int, int, Compute> burns(std::string name, int tasks,
                                                     std::uint32_t steps) {
  std::vector<int> seeds(static_cast<std::size_t>(tasks));
  std::iota(seeds.begin(), seeds.end(), 0);
  std::vector<int> answers;
  for (const int seed : seeds) answers.push_back(burn(seed, steps));
  return {.name = name,
          .inputs = seeds,
          .task = Compute{Burn{steps}},
          .check = poolmark::harness::results_are<int, int>(name, answers),
          .workers = kTwoWorkers};
}

std::uint32_t digest(std::string bytes) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < bytes.size(); i += kStride) {
    value = value * 31 + static_cast<unsigned char>(bytes[i]);
  }
  if constexpr (injected::kSlowsTasks) slow_down();
  return value;
}

std::int64_t slowed(std::int64_t nanoseconds) { return nap(slowed_nap(nanoseconds)); }

}  // namespace

int Compute::operator()(int seed) const {
  if constexpr (injected::kSlowsTasks) slow_down();
  if constexpr (injected::kMoreOfTheKernel > 0) return burn_longer(seed, burn.steps);
  return burn(seed);
}

poolmark::harness::Workload<std::uint64_t, bool> primes() {
  return {.name = "primes",
          .inputs = {999'999'999'989, 800'000'000'047, 600'000'000'031, 400'000'000'019,
                     200'000'000'041, 100'000'000'003, 999'999'999'991, 800'000'000'049,
                     600'000'000'033, 400'000'000'021, 200'000'000'043, 100'000'000'005},
          .task = is_prime,
          .workers = kTwoWorkers};
}

poolmark::harness::Workload<int, int, Compute> fine() {
  return burns("fine", kFineTasks, kFineSteps);
}

poolmark::harness::Workload<int, int, Compute> tiny() {
  return burns("tiny", kTinyTasks, kTinySteps);
}

poolmark::harness::Workload<std::string, std::uint32_t> payload() {
  std::vector<std::string> inputs;
  for (int i = 0; i < kPayloads; ++i) {
    inputs.emplace_back(kPayloadBytes, static_cast<char>('a' + i % 26));
  }
  return {.name = "payload", .inputs = inputs, .task = digest, .workers = kTwoWorkers};
}

poolmark::harness::Workload<std::int64_t, std::int64_t> naps() {
  return {.name = "naps",
          .inputs = std::vector<std::int64_t>(kNaps, kNap),
          .task = slowed,
          .check = slept_long_enough("naps"),
          .workers = {kNappers}};
}

}  // namespace bench::gate
