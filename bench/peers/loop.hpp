#pragma once

#include <benchmark/benchmark.h>

#include "peers/peer.hpp"

namespace bench {

/// No pool: the caller runs the task at once. The floor, and what is left of a case without its
/// pool.
class Loop {
 public:
  static constexpr std::string_view kName = "loop";
  static constexpr bool kHasNoWorkers = true;

  explicit Loop(int) {}

  auto submit(auto f) {
    Ready<decltype(f())> ready{f()};
    benchmark::DoNotOptimize(ready);  // or the compiler would sum up without a loop
    return ready;
  }
  void run_tasks(int n, auto f) {
    for (int i = 0; i < n; ++i) f(i);
  }
  void map(auto f, const Ints& in, Ints& out) {
    for (std::size_t i = 0; i < in.size(); ++i) out[i] = f(in[i]);
    benchmark::ClobberMemory();
  }

 private:
  template <class T>
  struct Ready {
    T get() const { return value; }
    T value;
  };
};

}  // namespace bench
