// What scripts/gate measures when it judges a change of poolmark. gate --help shows how to ask for
// a part of it.

#include "gate/slow_down.hpp"
#include "gate/workloads.hpp"
#include "poolmark/harness.hpp"

int main(int argc, char** argv) {
  bench::choose_slow_downs(argc, argv);
  poolmark::harness::Suite suite;
  suite.add(bench::gate::primes())
      .add(bench::gate::fine())
      .add(bench::gate::tiny())
      .add(bench::gate::payload())
      .add(bench::gate::naps());
  return suite.main(argc, argv);
}
