#pragma once

#include <chrono>
#include <string>

namespace bench::at_once {

/// A number of /proc/self/status, such as "Threads", or "VmRSS" in KiB; 0 if it is not there.
double status_of_process(const std::string& name);

/// What the kernel holds for all threads of the machine, in bytes: a stack each.
double kernel_stacks_of_machine();

/// Lets the kernel forget how large the process has been ("VmHWM").
void forget_peak_of_memory();

std::chrono::nanoseconds cpu_time_of_process();

}  // namespace bench::at_once
