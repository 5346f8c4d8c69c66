// A function of yours on every executor, with every way of collecting results.
// Try: example_measure_function --help

#include <poolmark/harness.hpp>

// How many steps the Collatz sequence of n takes to reach 1.
int collatz_steps(int n) {
  int steps = 0;
  for (long long x = n; x != 1; ++steps) x = x % 2 == 0 ? x / 2 : 3 * x + 1;
  return steps;
}

int main(int argc, char** argv) {
  poolmark::harness::Suite suite;
  // Name, inputs, function, and what is right. Without the last, results must equal what the
  // program computes itself.
  suite.add("collatz", {97, 871, 6171, 77031, 837799}, collatz_steps,
            {.expected = {118, 178, 261, 350, 524}});
  return suite.main(argc, argv);
}
