#pragma once

#include "peers/peer.hpp"
#include "poolmark/futures.hpp"

namespace bench {

/// poolmark's sequential executor, through its public face alone: its interface without a pool.
class PoolmarkSequential {
 public:
  static constexpr std::string_view kName = "poolmark_sequential";
  static constexpr bool kHasNoWorkers = true;

  explicit PoolmarkSequential(int) {}

  auto submit(auto f) { return executor_.submit(std::move(f)); }
  /// map() with options of poolmark's own.
  void map_with(const poolmark::MapOptions& options, auto f, const Ints& in, Ints& out) {
    std::size_t next = 0;
    for (const int value : executor_.map(options, f, in)) out[next++] = value;
  }

 private:
  poolmark::SequentialExecutor executor_;
};

}  // namespace bench
