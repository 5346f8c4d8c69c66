// An executor of yours, measured beside poolmark's. All it needs: submit(), shutdown(),
// max_workers(). Try: example_measure_executor --executors=thread,mine --patterns=map

#include <condition_variable>
#include <mutex>
#include <poolmark/harness.hpp>
#include <queue>
#include <thread>

// The pool of every textbook: a queue, a lock, a condition variable.
class MyPool {
  std::mutex mutex_;
  std::condition_variable_any ready_;
  std::queue<std::function<void()>> queue_;
  std::vector<std::jthread> threads_;  // last: they use all of the above

  void work(std::stop_token end) {
    std::unique_lock lock(mutex_);
    while (ready_.wait(lock, end, [this] { return !queue_.empty(); })) {
      const auto task = std::move(queue_.front());
      queue_.pop();
      lock.unlock();
      task();
      lock.lock();
    }
  }

 public:
  explicit MyPool(int workers) {
    while (workers-- > 0) threads_.emplace_back([this](std::stop_token end) { work(end); });
  }
  auto submit(auto f, auto... args) {
    auto promise = std::make_shared<poolmark::Promise<decltype(f(args...))>>();
    const std::lock_guard lock(mutex_);
    if (threads_.empty()) throw poolmark::ShutdownError("submit() after shutdown()");
    queue_.push([=]() mutable {
      try {
        if (promise->set_running_or_notify_cancel()) promise->set_result(f(args...));
      } catch (...) {
        promise->set_exception(std::current_exception());
      }
    });
    ready_.notify_one();
    return promise->get_future();
  }
  // Always waits until the queue is empty: a textbook knows no more.
  void shutdown(const poolmark::ShutdownOptions&) { threads_.clear(); }
  int max_workers() const { return static_cast<int>(threads_.size()); }
};

// Part of a series that ends at pi squared over 6.
double work(int terms) {
  double sum = 0;
  for (int i = 1; i <= terms; ++i) sum += 1.0 / i / i;
  return sum;
}

int main(int argc, char** argv) {
  poolmark::harness::Suite suite{poolmark::harness::executor_under_test<MyPool>("mine")};
  suite.add("work", {400'000, 300'000, 200'000, 100'000, 100'000, 100'000}, work);
  return suite.main(argc, argv);
}
