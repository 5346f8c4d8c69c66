#include <memory>

#include "poolmark/thread_pool_executor.hpp"

int main() {
  poolmark::ThreadPoolExecutor pool(1);
#ifdef POOLMARK_BROKEN
  pool.submit([] { return std::make_unique<int>(1); }).result();
#else
  pool.submit([] { return std::make_unique<int>(1); }).take();
#endif
}
