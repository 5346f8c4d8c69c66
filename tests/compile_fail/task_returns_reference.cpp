#include <vector>

#include "poolmark/thread_pool_executor.hpp"

int main() {
  std::vector<int> numbers{1, 2};
  poolmark::ThreadPoolExecutor pool(1);
#ifdef POOLMARK_BROKEN
  pool.submit([&numbers]() -> int& { return numbers.front(); });
#else
  pool.submit([&numbers]() -> int* { return &numbers.front(); });
#endif
}
