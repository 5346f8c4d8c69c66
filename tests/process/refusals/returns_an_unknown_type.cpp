#include <string>

#include "poolmark/process_pool_executor.hpp"

struct Opaque {
  std::string text;
};

int main() {
  poolmark::ProcessPoolExecutor pool(1);
#ifdef POOLMARK_BROKEN
  pool.submit([] { return Opaque{"a"}; });
#else
  pool.submit([] { return Opaque{"a"}.text; });
#endif
}
