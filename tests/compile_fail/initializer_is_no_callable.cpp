#include <type_traits>

#include "poolmark/process_pool_executor.hpp"
#include "poolmark/thread_pool_executor.hpp"

void prepare() {}

int main() {
  poolmark::ThreadPoolExecutor threads({.max_workers = 1, .initializer = prepare});
  poolmark::ProcessPoolExecutor processes({.max_workers = 1, .initializer = prepare});
#ifdef POOLMARK_BROKEN
  poolmark::ThreadPoolExecutor({.max_workers = 1, .initializer = 5});
#endif
  static_assert(!std::is_constructible_v<decltype(poolmark::ProcessPoolOptions::initializer), int>);
}
