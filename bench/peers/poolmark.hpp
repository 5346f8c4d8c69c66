#pragma once

#include "peers/peer.hpp"
#include "poolmark/futures.hpp"

namespace bench {

/// poolmark's thread pool, through its public face alone.
class Poolmark {
 public:
  static constexpr std::string_view kName = "poolmark";

  explicit Poolmark(int workers) : pool_(workers) {}

  auto submit(auto f) { return pool_.submit(std::move(f)); }
  void post(auto f) { pool_.submit(std::move(f)); }
  void map(auto f, const Ints& in, Ints& out) { map_with({}, f, in, out); }
  /// map() with options of poolmark's own.
  void map_with(const poolmark::MapOptions& options, auto f, const Ints& in, Ints& out) {
    std::size_t next = 0;
    for (const int value : pool_.map(options, f, in)) out[next++] = value;
  }

 private:
  poolmark::ThreadPoolExecutor pool_;
};

}  // namespace bench
