#include "poolmark/process_pool_executor.hpp"

int main() {
  poolmark::ProcessPoolExecutor pool(1);
#ifdef POOLMARK_BROKEN
  int seed = 1;
  poolmark::ProcessPoolOptions options;
  options.initializer = [&seed] { seed = 2; };
#else
  poolmark::ProcessPoolOptions options;
  options.initializer = [seed = 1] { static_cast<void>(seed); };
#endif
}
