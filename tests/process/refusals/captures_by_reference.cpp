#include "poolmark/process_pool_executor.hpp"

int main() {
  poolmark::ProcessPoolExecutor pool(1);
#ifdef POOLMARK_BROKEN
  int factor = 2;
  pool.submit([&factor](int x) { return factor * x; }, 3);
#else
  pool.submit([factor = 2](int x) { return factor * x; }, 3);
#endif
}
