#pragma once

#include "peers/poolmark_processes.hpp"

namespace bench {

/// Makes what the cases of processes need, in the order in which it must be born: memory that
/// workers share, the small process, the zygote. All are forked before any thread and before any
/// case, so every pool and every limit begins with a process as small as this one is now, whatever
/// the cases before it have allocated. Call it once, first in main. std::system_error if the system
/// refuses.
void prepare_processes();

/// Returns when all `workers` of `pool` have been in a task at once. WrongResult, or what a task
/// threw, if they do not come.
void gather(PoolmarkProcesses& pool, int workers);

}  // namespace bench
