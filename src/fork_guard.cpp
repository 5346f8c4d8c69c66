#include "poolmark/detail/fork_guard.hpp"

#include <pthread.h>

namespace poolmark::detail {

// Before main(): a constant, so it is there whoever forks first.
constinit std::atomic<std::uint32_t> forks_so_far{0};

namespace {

[[maybe_unused]] const bool kRegistered = [] {
  pthread_atfork(nullptr, nullptr, [] { forks_so_far.fetch_add(1, std::memory_order_relaxed); });
  return true;
}();

}  // namespace
}  // namespace poolmark::detail
