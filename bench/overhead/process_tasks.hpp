#pragma once

#include <sys/types.h>

#include <vector>

/// What runs in the worker processes.
namespace bench::in_worker {

// In process_tasks.cpp, by themselves: a test links others in their place, whose results are wrong.
int increment(int x);
std::vector<double> give_back(std::vector<double> values);

pid_t own_pid();
/// Until the process is killed.
[[noreturn]] int never_end();

/// Returns when `everybody` many workers are in here at once; throws after 10 s.
int meet(int everybody);

}  // namespace bench::in_worker
