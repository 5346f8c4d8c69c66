// A workload of your own, measured on every executor with every way of collecting results.
// Try: example_measure_your_workload --help

#include "poolmark/harness/harness.hpp"

namespace {

int collatz_steps(int n) {
  int steps = 0;
  for (long long x = n; x != 1; ++steps) x = x % 2 == 0 ? x / 2 : 3 * x + 1;
  return steps;
}

}  // namespace

int main(int argc, char** argv) {
  using poolmark::harness::results_are;
  poolmark::harness::Suite suite;
  suite.add(poolmark::harness::Workload<int, int>{
      .name = "collatz",
      .inputs = {97, 871, 6171, 77031, 837799},
      .task = collatz_steps,
      .check = results_are<int, int>("collatz", {118, 178, 261, 350, 524}),
  });
  return suite.main(argc, argv);
}
