#include <string>

#include "poolmark/process_pool_executor.hpp"

std::size_t length(const std::string& text) { return text.size(); }

int main() {
  poolmark::ProcessPoolExecutor pool(1);
#ifdef POOLMARK_BROKEN
  pool.submit(length, "a");
#else
  pool.submit(length, std::string("a"));
#endif
}
