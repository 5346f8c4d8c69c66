#pragma once

#include <condition_variable>
#include <mutex>

namespace bench {

/// Something that happens once. Whoever waits may destroy it when wait() has returned.
class Event {
 public:
  void set() {
    // Notified under the lock: the waiter may be gone as soon as it is free.
    const std::scoped_lock lock(mutex_);
    happened_ = true;
    changed_.notify_all();
  }
  void wait() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return happened_; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool happened_ = false;
};

}  // namespace bench
