#pragma once

#include <atomic>
#include <cstdint>

namespace poolmark::detail {

/// How many forks lie between the program's first process and this one. Threads do not survive a
/// fork, so an executor or a future whose generation differs from this one is inert: nobody in this
/// process runs its tasks. Async-signal-safe.
inline std::uint32_t fork_generation() noexcept;

// Relaxed everywhere: written only by the one thread of a fresh child, before it does anything
// else. Inline, because every future asks.
extern std::atomic<std::uint32_t> forks_so_far;

inline std::uint32_t fork_generation() noexcept {
  return forks_so_far.load(std::memory_order_relaxed);
}

}  // namespace poolmark::detail
