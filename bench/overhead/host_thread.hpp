#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

namespace bench {

/// A thread that does what it is told while the caller sleeps, for peers whose calling thread
/// counts as a worker.
class HostThread {
 public:
  HostThread() : thread_([this] { serve(); }) {}
  ~HostThread() { run(nullptr); }

  /// Runs `job` in the thread and blocks until it has returned; an empty one ends the thread.
  void run(std::function<void()> job) {
    std::unique_lock lock(mutex_);
    job_ = std::move(job);
    pending_ = true;
    changed_.notify_all();
    changed_.wait(lock, [this] { return !pending_; });
  }

 private:
  void serve() {
    for (bool ended = false; !ended;) {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return pending_; });
      lock.unlock();
      ended = !job_;
      if (job_) job_();
      lock.lock();
      pending_ = false;
      changed_.notify_all();
    }
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::function<void()> job_;
  bool pending_ = false;
  std::jthread thread_;  // last: it uses the others
};

}  // namespace bench
