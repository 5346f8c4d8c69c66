#pragma once

#include <chrono>
#include <string>

/// Many tasks that wait, all at once: what that takes on an event loop, and in a pool of threads.
namespace bench::at_once {

enum class Work {
  kSleep,     ///< a nap
  kDownload,  ///< a flag, from a server that waits so long before it answers
};

enum class Way {
  kLoop,     ///< an AsyncExecutor
  kThreads,  ///< a ThreadPoolExecutor of as many threads as tasks, 1024 at most
};

struct Wanted {
  Work work = Work::kSleep;
  Way way = Way::kLoop;
  int count = 1000;                       ///< tasks
  std::chrono::milliseconds latency{50};  ///< of each
};

/// One batch, from the first submission until all results are there.
struct Batch {
  std::chrono::nanoseconds wall{0};
  std::chrono::nanoseconds cpu{0};  ///< of this process, all its threads
};

struct Seen {
  Batch first;      ///< with a new executor: threads and connections are made in it
  Batch second;     ///< with the same one
  int threads = 0;  ///< of this process, when all tasks are submitted
  /// By how much it has grown: its resident memory at most, its page tables, and the kernel's
  /// stacks of its threads. (Those of the machine, so other programs that start threads disturb
  /// it.)
  double memory_bytes = 0;
};

/// std::invalid_argument if that cannot be, for want of descriptors; what a task throws.
/// To be called once, while the process has one thread.
Seen measure(const Wanted& wanted);

}  // namespace bench::at_once
