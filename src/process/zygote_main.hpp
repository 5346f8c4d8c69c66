#pragma once

#include "process/messages.hpp"

namespace poolmark::detail {

/// What a pool's zygote is born with.
struct ZygoteEstate {
  OwnedFd control;       // its end of the socket to the pool
  OwnedFd bell_memory;   // for its workers
  OwnedFd bell_event;    // for its workers
  OwnedFd main_process;  // a pidfd of the process that has the pool; none where it is refused
  PoolPlan plan;
};

/// The life of a pool's zygote, in a process just forked: starts workers when told, reports their
/// ends, and leaves when the pool closes the socket or the main process dies, killing what is left.
[[noreturn]] void run_zygote(ZygoteEstate estate) noexcept;

/// The life of the zygote made at the top of main: forks pools' zygotes.
[[noreturn]] void run_master_zygote(OwnedFd requests, OwnedFd main_process) noexcept;

}  // namespace poolmark::detail
