// A function of yours on every executor, with every way of collecting results.
// Try: example_measure_function --help

#include <poolmark/harness.hpp>

// The number below `limit` whose Collatz sequence takes the most steps to reach 1.
int longest_collatz(int limit) {
  int longest = 1, most = 0;
  for (int n = 1; n < limit; ++n) {
    int steps = 0;
    for (long long x = n; x != 1; ++steps) x = x % 2 == 0 ? x / 2 : 3 * x + 1;
    if (steps > most) most = steps, longest = n;
  }
  return longest;
}

int main(int argc, char** argv) {
  poolmark::harness::Suite suite;
  // Name, inputs, function, and what is right. Without the last, results must equal what the
  // program computes itself.
  suite.add("collatz", {30'000, 25'000, 20'000, 15'000, 10'000, 5'000}, longest_collatz,
            {.expected = {26623, 23529, 17647, 13255, 6171, 3711}});
  return suite.main(argc, argv);
}
