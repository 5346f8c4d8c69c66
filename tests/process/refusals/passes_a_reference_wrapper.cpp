#include <functional>

#include "poolmark/process_pool_executor.hpp"

int main() {
  poolmark::ProcessPoolExecutor pool(1);
#ifdef POOLMARK_BROKEN
  int x = 1;
  pool.submit([](int& value) { return value; }, std::ref(x));
#else
  pool.submit([](int value) { return value; }, 1);
#endif
}
