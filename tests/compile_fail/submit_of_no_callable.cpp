#include "poolmark/sequential_executor.hpp"
#include "poolmark/thread_pool_executor.hpp"

template <class Executor>
void try_it(Executor&& executor) {
#ifdef POOLMARK_BROKEN
  executor.submit(5);
#else
  executor.submit([] { return 5; });
#endif
}

int main() {
  try_it(poolmark::ThreadPoolExecutor(1));
  try_it(poolmark::SequentialExecutor());
}
