#include "gate/slow_down.hpp"

#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "gate/injected.hpp"
#include "granularity/kernel.hpp"

namespace bench {
namespace {

/// Written before there is a second thread; worker processes inherit it.
bool is_slowed = false;

std::mutex everybodys;

/// What is computed only to take time must not be left out.
void use(int value) { asm volatile("" : : "r"(value)); }

void allocate() {
  constexpr std::size_t kBytes = 64;
  const auto memory = std::make_unique<char[]>(kBytes);
  asm volatile("" : : "r"(memory.get()) : "memory");
}

}  // namespace

void choose_slow_downs(int argc, char** argv) {
  const std::string wanted = "--benchmark_filter=^" + std::string(injected::kCell) + "$";
  is_slowed = injected::kCell.empty();
  for (int i = 1; i < argc; ++i) {
    if (argv[i] == wanted) is_slowed = true;
  }
}

void slow_down(std::uint32_t steps) {
  if (!is_slowed) return;
  if constexpr (injected::kMoreOfTheKernel > 0) {
    use(burn(1, static_cast<std::uint32_t>(steps * injected::kMoreOfTheKernel)));
  }
  if constexpr (injected::kStepsMore > 0) use(burn(1, injected::kStepsMore));
  for (int i = 0; i < injected::kAllocations; ++i) allocate();
  if constexpr (injected::kStepsLocked > 0) {
    const std::lock_guard lock(everybodys);
    use(burn(1, injected::kStepsLocked));
  }
  static_cast<void>(steps);
}

std::int64_t slowed_nap(std::int64_t nanoseconds) {
  if (!is_slowed) return nanoseconds;
  return nanoseconds +
         static_cast<std::int64_t>(static_cast<double>(nanoseconds) * injected::kMoreOfTheNap);
}

}  // namespace bench
