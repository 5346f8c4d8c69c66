#include <vector>

#include "poolmark/thread_pool_executor.hpp"

int main() {
  std::vector<int> numbers{1, 2};
  poolmark::ThreadPoolExecutor pool(1);
#ifdef POOLMARK_BROKEN
  pool.map([](int& x) -> int& { return x; }, numbers);
#else
  pool.map([](int& x) { return x; }, numbers);
#endif
}
