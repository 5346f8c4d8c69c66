#include <utility>
#include <vector>

#include "poolmark/thread_pool_executor.hpp"

int add(int x, int y) { return x + y; }

int main() {
  poolmark::ThreadPoolExecutor pool(1);
#ifdef POOLMARK_BROKEN
  pool.starmap(add, std::vector<int>{1, 2});
#else
  pool.starmap(add, std::vector<std::pair<int, int>>{{1, 2}});
#endif
}
