#include "poolmark/process_pool_executor.hpp"

#include "poolmark/detail/program_end.hpp"
#include "process/pool_core.hpp"

namespace poolmark {

ProcessPoolExecutor::ProcessPoolExecutor(const ProcessPoolOptions& options)
    : pool_(detail::make_intrusive<detail::PoolCore>(options)) {
  detail::notice_the_end_of_the_program();
}

ProcessPoolExecutor::ProcessPoolExecutor(int max_workers)
    : ProcessPoolExecutor(ProcessPoolOptions{.max_workers = max_workers}) {}

ProcessPoolExecutor::~ProcessPoolExecutor() {
  if (pool_->is_inherited()) {
    // Its processes and its service thread are the parent's; nothing of it may be touched here.
    static_cast<void>(pool_.release());
  } else if (!shut_down_.load(std::memory_order_relaxed)) {
    pool_->shutdown({});
  }
}

void ProcessPoolExecutor::shutdown(const ShutdownOptions& options) {
  shut_down_.store(true, std::memory_order_relaxed);
  pool_->shutdown(options);
}

}  // namespace poolmark
