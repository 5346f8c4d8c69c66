// A pool of your own, measured beside poolmark's. All it needs: submit(), shutdown(),
// max_workers(). Try: example_measure_your_pool --executors=thread,own --patterns=map

#include <concepts>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "poolmark/harness/harness.hpp"

namespace {

/// The pool of every textbook: a queue, a lock, a condition variable.
class TextbookPool {
 public:
  explicit TextbookPool(int workers) {
    for (int i = 0; i < workers; ++i) threads_.emplace_back([this] { work(); });
  }
  ~TextbookPool() { shutdown({}); }

  template <class F, class... Args>
  auto submit(F f, Args... args) {
    using R = std::invoke_result_t<F, Args...>;
    auto promise = std::make_shared<poolmark::Promise<R>>();  // std::function copies what it holds
    const poolmark::Future<R> future = promise->get_future();
    {
      const std::lock_guard lock(mutex_);
      if (closed_) throw poolmark::ShutdownError("submit() after shutdown()");
      queue_.emplace_back([promise, f, args...] {
        if (!promise->set_running_or_notify_cancel()) return;
        try {
          promise->set_result(f(args...));
        } catch (...) {
          promise->set_exception(std::current_exception());
        }
      });
    }
    ready_.notify_one();
    return future;
  }

  /// Always waits: a textbook knows no more.
  void shutdown(const poolmark::ShutdownOptions&) {
    {
      const std::lock_guard lock(mutex_);
      closed_ = true;
    }
    ready_.notify_all();
    threads_.clear();  // joins
  }

  int max_workers() const { return static_cast<int>(threads_.size()); }

 private:
  void work() {
    for (;;) {
      std::unique_lock lock(mutex_);
      ready_.wait(lock, [this] { return closed_ || !queue_.empty(); });
      if (queue_.empty()) return;
      const std::function<void()> task = std::move(queue_.front());
      queue_.pop_front();
      lock.unlock();
      task();
    }
  }

  std::mutex mutex_;
  std::condition_variable ready_;
  std::deque<std::function<void()>> queue_;
  bool closed_ = false;
  std::vector<std::jthread> threads_;  // last: they use all of the above
};

static_assert(poolmark::Executor<TextbookPool>);

int cube(int x) { return x * x * x; }

}  // namespace

int main(int argc, char** argv) {
  using namespace poolmark::harness;
  Suite suite{executor_under_test(
      "own", [](int workers) { return std::make_unique<TextbookPool>(workers); })};
  suite.add(Workload<int, int>{
      .name = "cubes",
      .inputs = {1, 2, 3, 4, 5, 6, 7, 8},
      .task = cube,
      .check = results_are<int, int>("cubes", {1, 8, 27, 64, 125, 216, 343, 512}),
  });
  return suite.main(argc, argv);
}
