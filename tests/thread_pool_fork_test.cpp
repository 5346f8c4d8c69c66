#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "event.hpp"
#include "executors.hpp"
#include "forked_child.hpp"
#include "poolmark/thread_pool_executor.hpp"

// A pool of threads and fork(): the child has the pool's memory and none of its threads.
namespace poolmark::test {
namespace {

TEST(ThreadPoolExecutor, TPE_05_a_child_forked_by_a_task_ends_cleanly) {
  ThreadPoolExecutor pool(1);
  const int code = pool.submit([] { return exit_code_of_child([] { return 7; }); }).result();
  EXPECT_EQ(code, 7);
  EXPECT_EQ(pool.submit(square, 3).result(), 9);
}

TEST(ThreadPoolExecutor, TPE_05_a_child_forked_by_a_task_is_no_worker_of_the_pool) {
  ThreadPoolExecutor pool(1);
  // The child allocates, and a sanitizer's allocator does not survive a fork in mid-allocation: so
  // this thread only waits while there is a child.
  const Event may_fork;
  const Event child_ended;
  const auto outer = pool.submit([&] {
    const auto behind = pool.submit(square, 3);
    may_fork.wait();
    // A worker would run it in place, and the parent's would run it again.
    const int code = exit_code_of_child([&behind] {
      try {
        static_cast<void>(wait(std::vector{behind}));
        return 1;
      } catch (const DeadlockError&) {
        return behind.done() ? 2 : 0;
      }
    });
    child_ended.set();
    return code;
  });
  may_fork.set();
  child_ended.wait();
  EXPECT_EQ(outer.result(), 0);
}

TEST(ThreadPoolExecutor, TPE_05_in_a_forked_child_the_pool_is_inert) {
  auto pool = std::make_unique<ThreadPoolExecutor>(1);
  BusyWorker busy(*pool);
  auto pending = pool->submit(square, 3);
  auto finished = pool->map(square, std::vector{1});
  const auto child = [&] {
    try {
      pool->submit(square, 1);
      return 1;
    } catch (const DeadlockError& error) {
      if (std::string(error.what()).find("before a fork") == std::string::npos) return 2;
    }
    try {
      pending.result();
      return 3;
    } catch (const DeadlockError&) {
    }
    try {
      static_cast<void>(wait(std::vector{pending}));
      return 4;
    } catch (const DeadlockError&) {
    }
    pending.cancel();  // only in the child, and without a lock of the parent's threads
    pool->shutdown();
    pool.reset();
    return 0;
  };
  EXPECT_EQ(exit_code_of_child(child), 0);
  EXPECT_FALSE(pending.done());
  busy.release();
  EXPECT_EQ(pending.result(), 9);
}

TEST(ThreadPoolExecutor, TPE_06_forking_while_pools_churn_inherits_no_held_lock) {
  ThreadPoolExecutor pool(2);
  std::atomic<bool> stop{false};
  std::jthread churn([&] {
    while (!stop) {
      ThreadPoolExecutor other(1);
      for (int i = 0; i < 10; ++i) static_cast<void>(pool.submit(square, i).cancel());
      other.submit(square, 1).result();
    }
  });
  auto inherited = pool.submit(square, 1);
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(exit_code_of_child([&] {
                inherited.cancel();
                pool.shutdown();
                return 0;
              }),
              0);
  }
  stop = true;
}

}  // namespace
}  // namespace poolmark::test
