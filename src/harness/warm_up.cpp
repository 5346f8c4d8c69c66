#include <fmt/format.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <chrono>
#include <thread>

#include "poolmark/errors.hpp"
#include "poolmark/harness/detail/workload_on_executor.hpp"

namespace poolmark::harness::detail {

int thread_id_after_nap(int microseconds) {
  std::this_thread::sleep_for(std::chrono::microseconds(microseconds));
  return static_cast<int>(::syscall(SYS_gettid));
}

void refuse_lazy_pool(std::size_t seen, int workers) {
  throw Error(
      fmt::format("the pool could not be warmed up: only {} of its {} workers ran any of the tasks "
                  "it was given",
                  seen, workers));
}

}  // namespace poolmark::harness::detail
