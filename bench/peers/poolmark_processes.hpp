#pragma once

#include <chrono>

#include "peers/peer.hpp"
#include "poolmark/futures.hpp"

namespace bench {

/// poolmark's process pool, through its public face alone. Its workers descend from the zygote of
/// prepare_processes(), so that they are small and without threads at any time. No post(): there is
/// no memory of the caller's that a task could report to.
class PoolmarkProcesses {
 public:
  static constexpr std::string_view kName = "poolmark_processes";

  explicit PoolmarkProcesses(int workers)
      : pool_({.max_workers = workers, .start_method = poolmark::StartMethod::ProcessZygote}) {}

  template <class F, class... Args>
  auto submit(F f, const Args&... args) {
    return pool_.submit(f, args...);
  }
  template <class F>
  auto submit_with_deadline(std::chrono::milliseconds deadline, F f) {
    return pool_.submit({.deadline = deadline}, f);
  }
  void map(auto f, const Ints& in, Ints& out) { map_with({}, f, in, out); }
  /// map() with options of poolmark's own.
  void map_with(const poolmark::MapOptions& options, auto f, const Ints& in, Ints& out) {
    std::size_t next = 0;
    for (const int value : pool_.map(options, f, in)) out[next++] = value;
  }
  std::chrono::nanoseconds worker_cpu_time() const { return pool_.worker_cpu_time(); }

 private:
  poolmark::ProcessPoolExecutor pool_;
};

}  // namespace bench
