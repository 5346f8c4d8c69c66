#include <string>
#include <string_view>

#include "poolmark/process_pool_executor.hpp"

int main() {
  poolmark::ProcessPoolExecutor pool(1);
#ifdef POOLMARK_BROKEN
  pool.submit([](std::string_view text) { return text.size(); }, std::string_view("a"));
#else
  pool.submit([](std::string_view text) { return text.size(); }, std::string("a"));
#endif
}
