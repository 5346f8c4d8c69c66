// One call in a pool: 2 to the 8th.
#include <poolmark/futures.hpp>

namespace pm = poolmark;

int power(int base, int exponent) { return exponent == 0 ? 1 : base * power(base, exponent - 1); }

int main() {
  pm::ThreadPoolExecutor executor{1};
  const pm::Future<int> future = executor.submit(power, 2, 8);
  fmt::print("{}\n", future.result());
}
