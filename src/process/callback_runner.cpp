#include "process/callback_runner.hpp"

#include <pthread.h>

#include <csignal>
#include <iterator>
#include <mutex>
#include <system_error>

#include "process/child_process.hpp"

namespace poolmark::detail {

struct CallbackRunner::Queue {
  FutexMutex mutex;
  Callbacks callbacks;
  bool ending = false;
  /// Counts what the thread must look at; it sleeps on it.
  std::atomic<std::uint32_t> calls{0};
  /// Relaxed: a thread only asks whether it is itself the one that stored its own id.
  std::atomic<std::thread::id> thread_id{};

  void call() noexcept {
    // Release: the thread that sees it finds the lock free of what comes with it.
    calls.fetch_add(1, std::memory_order_release);
    futex_wake(&calls, 1);
  }
};

CallbackRunner::CallbackRunner() : queue_(std::make_shared<Queue>()) {}

CallbackRunner::~CallbackRunner() {
  if (thread_.joinable()) thread_.detach();
}

void CallbackRunner::run(Callbacks&& callbacks) noexcept {
  {
    std::lock_guard lock(queue_->mutex);
    try {
      if (!thread_.joinable()) {
        const AllSignalsBlocked while_the_thread_starts;
        thread_ = std::thread([queue = queue_] { serve(queue); });
      }
      queue_->callbacks.insert(queue_->callbacks.end(), std::move_iterator(callbacks.begin()),
                               std::move_iterator(callbacks.end()));
      callbacks.clear();
    } catch (const std::system_error&) {
      // Run below.
    }
  }
  queue_->call();
  for (auto& [future, list] : callbacks) list.run(*future);
}

void CallbackRunner::end() noexcept {
  {
    std::lock_guard lock(queue_->mutex);
    queue_->ending = true;
  }
  queue_->call();
}

void CallbackRunner::join() {
  if (thread_.joinable()) thread_.join();
}

bool CallbackRunner::is_this_thread() const noexcept {
  return queue_->thread_id.load(std::memory_order_relaxed) == std::this_thread::get_id();
}

void CallbackRunner::serve(const std::shared_ptr<Queue>& queue) noexcept {
  pthread_setname_np(pthread_self(), "poolmark-calls");
  queue->thread_id.store(std::this_thread::get_id(), std::memory_order_relaxed);
  for (;;) {
    // Acquire: pairs with call(); read before the look at the queue, so that a later call is seen.
    const std::uint32_t seen = queue->calls.load(std::memory_order_acquire);
    Callbacks callbacks;
    bool ending = false;
    {
      std::lock_guard lock(queue->mutex);
      callbacks.swap(queue->callbacks);
      ending = queue->ending;
    }
    for (auto& [future, list] : callbacks) list.run(*future);
    if (!callbacks.empty()) continue;
    if (ending) return;
    futex_wait(queue->calls, seen, std::nullopt);
  }
}

}  // namespace poolmark::detail
