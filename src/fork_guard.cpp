#include "poolmark/detail/fork_guard.hpp"

#include <pthread.h>

#include <atomic>

namespace poolmark::detail {
namespace {

// Relaxed everywhere: written only by the one thread of a fresh child, before it does anything
// else.
std::atomic<std::uint32_t> forks_so_far{0};

const bool kRegistered = [] {
  pthread_atfork(nullptr, nullptr, [] { forks_so_far.fetch_add(1, std::memory_order_relaxed); });
  return true;
}();

}  // namespace

std::uint32_t fork_generation() noexcept {
  static_cast<void>(kRegistered);  // keeps the registration linked in
  return forks_so_far.load(std::memory_order_relaxed);
}

}  // namespace poolmark::detail
