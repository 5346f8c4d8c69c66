#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <limits>
#include <set>
#include <string>
#include <thread>

#include "event.hpp"
#include "holdings.hpp"
#include "poolmark/async_executor.hpp"
#include "poolmark/process_pool_executor.hpp"
#include "poolmark/sequential_executor.hpp"
#include "poolmark/thread_pool_executor.hpp"
#include "poolmark/wait.hpp"
#include "tasks.hpp"

/// The executors that every behaviour is tried on: `TYPED_TEST_SUITE(Suite, AllExecutors,
/// ExecutorNames)`. Each is a struct that makes the executor and says in what it differs.
namespace poolmark::test {

using std::chrono_literals::operator""h;
using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;

struct Sequential {
  using Executor = SequentialExecutor;
  static constexpr const char* kName = "sequential";
  static constexpr bool kRunsInSubmit = true;  // a future is done when submit() returns
  static constexpr bool kSharesMemory = true;  // a task sees the objects of the test
  static constexpr bool kHasWorkers = false;
  static constexpr int kMostWorkers = 1;
  using Broken = BrokenExecutor;  // though nothing breaks it

  static Executor make(int /*workers*/ = 1) { return Executor(); }
  static auto waiting(auto call) { return call; }
  template <class F>
  static Executor make_with_initializer(int /*workers*/, F /*initializer*/) {
    return Executor();
  }
};

struct Threads {
  using Executor = ThreadPoolExecutor;
  static constexpr const char* kName = "thread";
  static constexpr bool kRunsInSubmit = false;
  static constexpr bool kSharesMemory = true;
  static constexpr bool kHasWorkers = true;
  static constexpr int kMostWorkers = kMaxWorkersLimit;
  using Broken = BrokenThreadPool;

  static Executor make(int workers = 2) { return Executor(workers); }
  static auto waiting(auto call) { return call; }
  template <class F>
  static Executor make_with_initializer(int workers, F initializer) {
    return Executor({.max_workers = workers, .initializer = initializer});
  }
};

struct Processes {
  using Executor = ProcessPoolExecutor;
  static constexpr const char* kName = "process";
  static constexpr bool kRunsInSubmit = false;
  static constexpr bool kSharesMemory = false;
  static constexpr bool kHasWorkers = true;
  static constexpr int kMostWorkers = kMaxWorkersLimit;
  using Broken = BrokenProcessPool;

  static auto waiting(auto call) { return call; }
  // From the zygote of main(): this process may have threads already.
  static Executor make(int workers = 2) {
    return Executor({.max_workers = workers, .start_method = StartMethod::ProcessZygote});
  }
  template <class F>
  static Executor make_with_initializer(int workers, F initializer) {
    return Executor({.max_workers = workers,
                     .initializer = initializer,
                     .start_method = StartMethod::ProcessZygote});
  }
};

struct Async {
  using Executor = AsyncExecutor;
  static constexpr const char* kName = "async";
  static constexpr bool kRunsInSubmit = false;
  static constexpr bool kSharesMemory = true;
  static constexpr bool kHasWorkers = false;  // but one thread for all
  static constexpr int kMostWorkers = std::numeric_limits<int>::max();
  using Broken = BrokenExecutor;  // though nothing breaks it

  static Executor make(int workers = 2) { return Executor(workers); }
  template <class F>
  static Executor make_with_initializer(int workers, F /*initializer*/) {
    return Executor(workers);
  }
  /// A coroutine that waits for the call, which would keep the loop from the others.
  template <class F>
  static auto waiting(F call) {
    return [call]<class... Args>(Args... args) -> Coroutine<std::invoke_result_t<F, Args...>> {
      static ThreadPoolExecutor threads(8);
      co_return co_await threads.submit(call, args...);
    };
  }
};

using AllExecutors = ::testing::Types<Sequential, Threads, Processes, Async>;

struct ExecutorNames {
  template <class Case>
  static std::string GetName(int) {
    return Case::kName;
  }
};

/// Skips a behaviour that makes no sense for this executor, whatever the machine.
/// scripts/conformance knows such skips by their first words, and copies the reason to
/// docs/conformance.md.
#define SKIP_ROW(reason) GTEST_SKIP() << "makes no sense here: " << (reason)

/// What the reason is when a test needs a task that has not ended when submit() returns.
inline constexpr const char* kSequentialNeverPending =
    "the sequential executor has run the task when submit() returns";

inline constexpr const char* kSequentialHasNoWorkers = "the sequential executor has no workers";

inline constexpr const char* kHasNoWorkers = "the executor has no workers of its own to prepare";

inline constexpr const char* kProcessesShareNothing =
    "a worker process has objects of its own: the test could not see what it does to them";

/// The only worker of `executor`, busy until the test says otherwise: what is submitted behind it
/// is pending. With Case::waiting(hold_worker) one of several workers.
template <class Executor>
class BusyWorker {
 public:
  explicit BusyWorker(Executor& executor) : BusyWorker(executor, &hold_worker) {}
  template <class F>
  BusyWorker(Executor& executor, F hold)
      : future_(executor.submit(hold, begun_.name(), may_end_.name(), 0)) {
    begun_.wait();
  }
  BusyWorker(const BusyWorker&) = delete;
  BusyWorker& operator=(const BusyWorker&) = delete;
  ~BusyWorker() { release(); }

  void release() {
    if (!may_end_.is_set()) may_end_.set();
    future_.exception();
  }
  const Future<int>& future() const noexcept { return future_; }

 private:
  Event begun_;
  Event may_end_;
  Future<int> future_;
};

/// The threads that were started since, those that have ended apart.
class NewThreads {
 public:
  NewThreads() {
    // A sanitizer starts a thread of its own with the first one.
    std::thread([] {}).join();
    old_ = now();
  }

  int count() const {
    int added = 0;
    for (const std::string& thread : now()) added += old_.contains(thread) ? 0 : 1;
    return added;
  }

  /// Whether they all come to an end: the kernel takes a thread out of /proc a moment after it was
  /// joined.
  bool come_to_an_end() const {
    const auto give_up = std::chrono::steady_clock::now() + kWatchdog;
    while (count() != 0) {
      if (std::chrono::steady_clock::now() > give_up) return false;
      std::this_thread::yield();
    }
    return true;
  }

 private:
  static std::set<std::string> now() {
    std::set<std::string> threads;
    for (const auto& entry : std::filesystem::directory_iterator("/proc/self/task")) {
      threads.insert(entry.path().filename());
    }
    return threads;
  }

  std::set<std::string> old_;
};

/// Fails unless `statement` throws `Type` with a message that contains `text`.
#define EXPECT_THROW_WITH(statement, Type, text) \
  EXPECT_THAT(                                   \
      [&] { static_cast<void>(statement); },     \
      ::testing::Throws<Type>(::testing::Property(&Type::what, ::testing::HasSubstr(text))))

}  // namespace poolmark::test
