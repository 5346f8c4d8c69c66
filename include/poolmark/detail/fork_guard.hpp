#pragma once

#include <cstdint>

namespace poolmark::detail {

/// How many forks lie between the program's first process and this one. Threads do not survive a
/// fork, so an executor or a future whose generation differs from this one is inert: nobody in this
/// process runs its tasks. Async-signal-safe.
std::uint32_t fork_generation() noexcept;

}  // namespace poolmark::detail
