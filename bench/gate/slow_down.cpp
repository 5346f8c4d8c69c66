#include "gate/slow_down.hpp"

#include <cmath>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "gate/injected.hpp"
#include "granularity/kernel.hpp"
#include "granularity/recurrence.hpp"

namespace bench {
namespace {

/// Written before there is a second thread; worker processes inherit it.
bool is_slowed = false;

/// How a task of so many steps gets more of them.
struct Longer {
  std::uint32_t steps;
  std::uint32_t more;
  Recurrence back;  // from the seed to where the longer task begins
};

/// What is computed only to take time must not be left out.
template <class T>
void use(T value) {
  asm volatile("" : : "r"(value) : "memory");
}

[[maybe_unused]] void compute_while_others_wait(std::uint32_t steps) {
  static std::mutex everybodys;
  const std::lock_guard lock(everybodys);
  use(burn(1, steps));
}

[[maybe_unused]] void allocate() {
  constexpr std::size_t kBytes = 64;
  use(std::make_unique<char[]>(kBytes).get());
}

}  // namespace

void choose_slow_downs(int argc, char** argv) {
  const std::string wanted = "--benchmark_filter=^" + std::string(injected::kCell) + "$";
  is_slowed = injected::kCell.empty();
  for (int i = 1; i < argc; ++i) {
    if (argv[i] == wanted) is_slowed = true;
  }
}

int burn_longer(int seed, std::uint32_t steps) {
  if (!is_slowed) return burn(seed, steps);
  // A process measures one cell, whose tasks are all alike.
  thread_local Longer longer{};
  if (longer.steps != steps) {
    const auto more = static_cast<std::uint32_t>(std::lround(steps * injected::kMoreOfTheKernel));
    longer = {steps, more, all_steps(-more)};
  }
  const std::uint32_t start = longer.back(static_cast<std::uint32_t>(seed));
  return burn(static_cast<int>(start), steps + longer.more);
}

void slow_down() {
  if (!is_slowed) return;
  if constexpr (injected::kStepsMore > 0) use(burn(1, injected::kStepsMore));
  for (int i = 0; i < injected::kAllocations; ++i) allocate();
  if constexpr (injected::kStepsLocked > 0) compute_while_others_wait(injected::kStepsLocked);
}

std::int64_t slowed_nap(std::int64_t nanoseconds) {
  if (!is_slowed) return nanoseconds;
  return nanoseconds +
         static_cast<std::int64_t>(static_cast<double>(nanoseconds) * injected::kMoreOfTheNap);
}

}  // namespace bench
