#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <chrono>
#include <string>

#include "event.hpp"
#include "poolmark/futures.hpp"

namespace poolmark::test {

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define POOLMARK_TEST_UNDER_TSAN 1
#endif
#endif
#if defined(__SANITIZE_THREAD__)
#define POOLMARK_TEST_UNDER_TSAN 1
#endif

/// The thread sanitizer ends a child that starts threads after a fork from a process with threads,
/// which its own background thread makes every process.
#ifdef POOLMARK_TEST_UNDER_TSAN
#define SKIP_UNDER_TSAN(reason) GTEST_SKIP() << "under the thread sanitizer: " << (reason)
#else
#define SKIP_UNDER_TSAN(reason) static_cast<void>(reason)
#endif

/// Options for pools from the zygote of main(), so that tests may have threads.
inline ProcessPoolOptions with_workers(int workers) {
  ProcessPoolOptions options;
  options.max_workers = workers;
  options.start_method = StartMethod::ProcessZygote;
  return options;
}

inline int increment(int x) { return x + 1; }
inline int own_pid() { return getpid(); }
inline int parents_pid() { return getppid(); }

/// Says that it runs, and runs until `may_end` is set.
inline int hold(EventName begun, EventName may_end) {
  begun.set();
  may_end.wait();
  return getpid();
}

/// Runs until it is killed.
inline int hang(EventName begun) {
  begun.set();
  for (;;) pause();
}

/// Teaches the pool that tasks are short, so that it queues several at each worker.
inline void teach_that_tasks_are_short(ProcessPoolExecutor& pool) {
  std::vector<Future<int>> futures;
  for (int i = 0; i < 3000; ++i) futures.push_back(pool.submit(increment, i));
  wait(futures);
}

/// Waits for the end of a process that need not be a child of this one.
class Watched {
 public:
  explicit Watched(pid_t pid) : fd_(static_cast<int>(syscall(SYS_pidfd_open, pid, 0))) {}
  Watched(const Watched&) = delete;
  Watched& operator=(const Watched&) = delete;
  ~Watched() { close(fd_); }

  bool is_open() const { return fd_ >= 0; }
  /// False if it has not ended when the watchdog barks.
  bool await_end() const {
    pollfd watched{fd_, POLLIN, 0};
    const auto limit = std::chrono::milliseconds(kWatchdog);
    return poll(&watched, 1, static_cast<int>(limit.count())) == 1;
  }

 private:
  int fd_;
};

}  // namespace poolmark::test
