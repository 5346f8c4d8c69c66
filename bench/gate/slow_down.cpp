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

void slow_down([[maybe_unused]] std::uint32_t steps) {
  if (!is_slowed) return;
  if constexpr (injected::kMoreOfTheKernel > 0) {
    use(burn(1, static_cast<std::uint32_t>(steps * injected::kMoreOfTheKernel)));
  }
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
