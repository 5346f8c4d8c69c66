// How work scales: four workloads, four executors, three ways of collecting results.
// scaling --help shows how to ask for a part of it.

#include "poolmark/harness.hpp"
#include "workloads/workloads.hpp"

int main(int argc, char** argv) {
  poolmark::harness::Suite suite;
  suite.add(bench::primes()).add(bench::sum()).add(bench::sleep()).add(bench::skewed());
  return suite.main(argc, argv);
}
