#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <exception>
#include <fstream>
#include <string>
#include <thread>

#include "event.hpp"
#include "holdings.hpp"
#include "poolmark/futures.hpp"

namespace poolmark::test {

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define POOLMARK_TEST_UNDER_TSAN 1
#endif
#if __has_feature(address_sanitizer)
#define POOLMARK_TEST_UNDER_ASAN 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#define POOLMARK_TEST_UNDER_ASAN 1
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

/// The address sanitizer's memory has locks that nobody holds still during a fork: a child that
/// asks for memory waits for ever if a thread of its parent was just asking for some.
#ifdef POOLMARK_TEST_UNDER_ASAN
#define SKIP_UNDER_ASAN(reason) GTEST_SKIP() << "under the address sanitizer: " << (reason)
#else
#define SKIP_UNDER_ASAN(reason) static_cast<void>(reason)
#endif

/// The undefined-behaviour sanitizer asks about memory through a pipe, and reports nonsense when it
/// gets none.
#ifdef POOLMARK_TEST_UNDER_ASAN
#define SKIP_WITHOUT_DESCRIPTORS() GTEST_SKIP() << "under the sanitizers: they need descriptors"
#else
#define SKIP_WITHOUT_DESCRIPTORS() static_cast<void>(0)
#endif

/// Options for pools from the zygote of main(), so that tests may have threads.
inline ProcessPoolOptions with_workers(int workers) {
  ProcessPoolOptions options;
  options.max_workers = workers;
  options.start_method = StartMethod::ProcessZygote;
  return options;
}

/// The same, with CPython's rule about dead workers.
inline ProcessPoolOptions strict_with_workers(int workers) {
  ProcessPoolOptions options = with_workers(workers);
  options.on_worker_death = OnWorkerDeath::BreakPool;
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

/// Says the name of a child, and both run until they are killed.
inline int fork_and_hang(MailboxName box) {
  if (fork() == 0) {
    box.post(getpid());
    for (;;) pause();
  }
  for (;;) pause();
}

/// Teaches the pool that tasks are short, so that it queues several at each worker.
inline void teach_that_tasks_are_short(ProcessPoolExecutor& pool) {
  std::vector<Future<int>> futures;
  for (int i = 0; i < 3000; ++i) futures.push_back(pool.submit(increment, i));
  wait(futures);
}

/// How the worker of this task died. What else it failed with is thrown.
inline WorkerDied death_of(const AnyFuture& future) {
  try {
    if (const auto error = future.exception()) std::rethrow_exception(error);
  } catch (const WorkerDied& died) {
    return died;
  }
  throw std::logic_error("the task did not fail");
}

/// Ends the calling process by a signal.
inline int kill_self(int signal) {
  raise(signal);
  return 0;
}

/// Whether the process is there, if only to be reaped.
inline bool exists(pid_t pid) { return kill(pid, 0) == 0; }

/// Everything that comes through a pipe until its other ends are closed.
inline std::string read_to_end(int pipe_end) {
  std::string text;
  char piece[256];
  for (ssize_t got = 0; (got = read(pipe_end, piece, sizeof piece)) > 0;) {
    text.append(piece, static_cast<std::size_t>(got));
  }
  return text;
}

/// Runs `check` in a forked child, whose sentence about what is wrong ("" for nothing) comes back.
/// For what a process cannot undo: the child has one thread and no zygote.
template <class Check>
std::string in_forked_child(Check check) {
  int ends[2];
  if (pipe(ends) != 0) return "no pipe";
  const pid_t child = fork();
  if (child == 0) {
    std::string wrong;
    try {
      wrong = check();
    } catch (const std::exception& error) {
      wrong = std::string("it threw: ") + error.what();
    }
    const bool told = write(ends[1], wrong.data(), wrong.size()) >= 0;
    _exit(told && wrong.empty() ? 0 : 1);
  }
  close(ends[1]);
  const std::string wrong = read_to_end(ends[0]);
  close(ends[0]);
  int status = 0;
  waitpid(child, &status, 0);
  if (status != 0 && wrong.empty()) return "the child ended with status " + std::to_string(status);
  return wrong;
}

/// The state of a process as /proc tells it: S sleeps, T is stopped, Z is dead and not reaped; 0 if
/// there is none.
inline char state_of(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string line;
  std::getline(file, line);
  // The state stands behind the name, which is in brackets and may hold anything.
  const auto bracket = line.rfind(')');
  return bracket == std::string::npos ? '\0' : line.at(bracket + 2);
}

/// Waits for the end of a process that need not be a child of this one.
class Watched {
 public:
  explicit Watched(pid_t pid) : pid_(pid), fd_(static_cast<int>(syscall(SYS_pidfd_open, pid, 0))) {}
  Watched(const Watched&) = delete;
  Watched& operator=(const Watched&) = delete;
  ~Watched() {
    if (fd_ >= 0) close(fd_);
  }

  /// False if it has not ended when the watchdog barks.
  bool await_end() const {
    if (fd_ < 0) return await_end_without_pidfd();
    pollfd watched{fd_, POLLIN, 0};
    const auto limit = std::chrono::milliseconds(kWatchdog);
    return poll(&watched, 1, static_cast<int>(limit.count())) == 1;
  }

 private:
  bool await_end_without_pidfd() const {
    const auto give_up = std::chrono::steady_clock::now() + kWatchdog;
    for (char state = state_of(pid_); state != '\0' && state != 'Z'; state = state_of(pid_)) {
      if (std::chrono::steady_clock::now() > give_up) return false;
      std::this_thread::yield();
    }
    return true;
  }

  pid_t pid_;
  int fd_;  // -1: it has ended already, or the system refuses pidfds
};

}  // namespace poolmark::test
