#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>

#include "process/owned_fd.hpp"

namespace poolmark::detail {

/// What a worker is born with.
struct WorkerEstate {
  OwnedFd channel;
  OwnedFd bell_memory;
  OwnedFd bell_event;
  std::size_t ring_bytes;
  pid_t main_process;  // that has the pool
  std::uint64_t number;
};

/// The life of a worker: reads tasks, runs them, writes results, until it is told to end.
[[noreturn]] void run_worker(WorkerEstate estate) noexcept;

}  // namespace poolmark::detail
