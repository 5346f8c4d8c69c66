#include <vector>

#include "poolmark/thread_pool_executor.hpp"

int main() {
  poolmark::ThreadPoolExecutor pool(1);
#ifdef POOLMARK_BROKEN
  pool.map({.chunksize = 2}, [] { return 1; });
#else
  pool.map(
      {.chunksize = 2}, [](int x) { return x; }, std::vector{1});
#endif
}
