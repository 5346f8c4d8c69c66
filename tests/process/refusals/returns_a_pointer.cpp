#include "poolmark/process_pool_executor.hpp"

int global = 1;

int main() {
  poolmark::ProcessPoolExecutor pool(1);
#ifdef POOLMARK_BROKEN
  pool.submit([] { return &global; });
#else
  pool.submit([] { return global; });
#endif
}
