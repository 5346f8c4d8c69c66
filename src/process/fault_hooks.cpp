#include "process/fault_hooks.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <new>

#include "poolmark/detail/futex.hpp"

namespace poolmark::detail {
namespace {

constexpr std::chrono::minutes kWatchdog{1};

FaultPlan* make_plan() noexcept {
  void* memory =
      mmap(nullptr, sizeof(FaultPlan), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) std::abort();
  return new (memory) FaultPlan();
}

// Before main(), so that every zygote inherits it.
FaultPlan* const plan = make_plan();

}  // namespace

FaultPlan& fault_plan() noexcept { return *plan; }

void FaultPlan::set(FaultPoint point, FaultAction action, std::int32_t passage) noexcept {
  clear();
  action_.store(action, std::memory_order_relaxed);
  passages_left_.store(passage, std::memory_order_relaxed);
  point_.store(point, std::memory_order_release);
}

void FaultPlan::clear() noexcept {
  point_.store(FaultPoint::kNowhere, std::memory_order_relaxed);
  pid_.store(0, std::memory_order_release);
}

bool FaultPlan::has_happened() const noexcept { return pid_.load(std::memory_order_acquire) != 0; }

pid_t FaultPlan::await() const noexcept {
  const auto give_up = std::chrono::steady_clock::now() + kWatchdog;
  while (!has_happened() && std::chrono::steady_clock::now() < give_up) {
    futex_wait(pid_, 0, give_up, FutexScope::kShared);
  }
  return static_cast<pid_t>(pid_.load(std::memory_order_acquire));
}

void arrive_at(FaultPoint point) noexcept {
  if (plan->point_.load(std::memory_order_acquire) != point) return;
  const FaultAction action = plan->action_.load(std::memory_order_relaxed);
  // Relaxed: only the count matters, and one process takes it to zero.
  const std::int32_t left = plan->passages_left_.fetch_sub(1, std::memory_order_relaxed);
  if (left > 1 || (left < 1 && action != FaultAction::kDieEachTime)) return;
  plan->pid_.store(static_cast<std::uint32_t>(getpid()), std::memory_order_release);
  futex_wake(&plan->pid_, kWakeAll, FutexScope::kShared);
  switch (action) {
    case FaultAction::kDie:
    case FaultAction::kDieEachTime:
      kill(getpid(), SIGKILL);
      break;
    case FaultAction::kStop:
      kill(getpid(), SIGSTOP);
      break;
    case FaultAction::kTell:
      break;
  }
}

}  // namespace poolmark::detail
