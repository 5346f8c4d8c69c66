#include "poolmark/thread_pool_executor.hpp"

namespace poolmark {

ThreadPoolExecutor::ThreadPoolExecutor(ThreadPoolOptions options)
    : core_(detail::make_intrusive<detail::ThreadPoolCore>(std::move(options))) {}

ThreadPoolExecutor::ThreadPoolExecutor(int max_workers)
    : ThreadPoolExecutor(ThreadPoolOptions{.max_workers = max_workers}) {}

ThreadPoolExecutor::~ThreadPoolExecutor() {
  if (core_->is_inherited()) {
    // The threads exist in the parent only, and a std::thread cannot be destroyed unjoined.
    static_cast<void>(core_.release());
  } else if (!shut_down_.load(std::memory_order_relaxed)) {
    core_->shutdown({});
  }
}

void ThreadPoolExecutor::shutdown(const ShutdownOptions& options) {
  shut_down_.store(true, std::memory_order_relaxed);
  core_->shutdown(options);
}

}  // namespace poolmark
