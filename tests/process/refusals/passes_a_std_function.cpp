#include <functional>

#include "poolmark/process_pool_executor.hpp"

int main() {
  poolmark::ProcessPoolExecutor pool(1);
#ifdef POOLMARK_BROKEN
  pool.submit([](const std::function<int()>& f) { return f(); },
              std::function<int()>([] { return 1; }));
#else
  pool.submit([](int (*f)()) { return f(); }, +[] { return 1; });
#endif
}
