#include <string>

#include "poolmark/process_pool_executor.hpp"

int main() {
  poolmark::ProcessPoolExecutor pool(1);
#ifdef POOLMARK_BROKEN
  pool.submit([text = std::string("a")] { return text.size(); });
#else
  pool.submit([](const std::string& text) { return text.size(); }, std::string("a"));
#endif
}
