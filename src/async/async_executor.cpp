#include "poolmark/async_executor.hpp"

namespace poolmark {

AsyncExecutor::AsyncExecutor(AsyncOptions options)
    : core_(detail::make_intrusive<detail::AsyncCore>(std::move(options))) {}

AsyncExecutor::AsyncExecutor(int max_concurrency)
    : AsyncExecutor(AsyncOptions{.max_concurrency = max_concurrency}) {}

AsyncExecutor::~AsyncExecutor() {
  if (core_->is_inherited()) {
    // The thread exists in the parent only, and a std::thread cannot be destroyed unjoined.
    static_cast<void>(core_.release());
  } else if (!shut_down_.load(std::memory_order_relaxed)) {
    core_->shutdown({});
  }
}

void AsyncExecutor::shutdown(const ShutdownOptions& options) {
  shut_down_.store(true, std::memory_order_relaxed);
  core_->shutdown(options);
}

}  // namespace poolmark
