#include <fmt/core.h>

#include <latch>
#include <thread>

#include "executors.hpp"

// "Executor.shutdown" of Python's documentation, on every executor.
namespace poolmark::test {
namespace {

template <class Case>
class ShutdownConformance : public ::testing::Test {};
TYPED_TEST_SUITE(ShutdownConformance, AllExecutors, ExecutorNames);

template <class Case>
class ShutdownConformanceDeathTest : public ::testing::Test {};
TYPED_TEST_SUITE(ShutdownConformanceDeathTest, AllExecutors, ExecutorNames);

TYPED_TEST(ShutdownConformance, SHU_01_may_be_called_many_times_in_every_way) {
  auto pool = TypeParam::make();
  auto future = pool.submit(square, 3);
  pool.shutdown({.wait = false});
  pool.shutdown({.wait = false, .cancel_futures = false});
  pool.shutdown();
  pool.shutdown({.wait = true, .cancel_futures = true});
  pool.shutdown();
  EXPECT_EQ(future.result(), 9);
}

TYPED_TEST(ShutdownConformance, SHU_01_may_be_called_by_several_threads_and_all_wait) {
  Mailbox ran;
  auto pool = TypeParam::make();
  for (int i = 0; i < 50; ++i) pool.submit(post, ran.name(), i);
  std::vector<std::jthread> callers;
  for (int i = 0; i < 4; ++i) {
    callers.emplace_back([&] {
      pool.shutdown();
      EXPECT_EQ(ran.size(), 50);
    });
  }
}

TYPED_TEST(ShutdownConformance, SHU_01_a_pool_without_work_shuts_down) {
  auto pool = TypeParam::make();
  pool.shutdown();
  EXPECT_THROW(pool.submit(square, 1), ShutdownError);
}

TYPED_TEST(ShutdownConformance, SHU_02_waiting_finishes_every_pending_task_first) {
  auto pool = TypeParam::make(1);
  std::vector<Future<int>> futures;
  for (int i = 0; i < 50; ++i) futures.push_back(pool.submit(square, i));
  pool.shutdown();
  for (int i = 0; i < 50; ++i) {
    ASSERT_TRUE(futures[static_cast<std::size_t>(i)].done());
    EXPECT_EQ(futures[static_cast<std::size_t>(i)].result(), i * i);
  }
}

TYPED_TEST(ShutdownConformance, SHU_03_not_waiting_returns_at_once_and_the_work_is_finished) {
  if (TypeParam::kRunsInSubmit) SKIP_ROW(kSequentialNeverPending);
  Event begun;
  Event may_end;
  Future<int> running;
  Future<int> pending;
  {
    auto pool = TypeParam::make(1);
    running = pool.submit(hold_worker, begun.name(), may_end.name(), 1);
    pending = pool.submit(square, 3);
    begun.wait();
    pool.shutdown({.wait = false});
    EXPECT_FALSE(running.done());
  }  // the destructor does not wait either
  EXPECT_FALSE(running.done());
  may_end.set();
  EXPECT_EQ(running.result(), 1);
  EXPECT_EQ(pending.result(), 9);
}

TYPED_TEST(ShutdownConformance, SHU_03_waiting_may_follow_not_waiting) {
  if (TypeParam::kRunsInSubmit) SKIP_ROW(kSequentialNeverPending);
  auto pool = TypeParam::make(1);
  Event begun;
  Event may_end;
  auto running = pool.submit(hold_worker, begun.name(), may_end.name(), 1);
  auto pending = pool.submit(square, 3);
  begun.wait();
  pool.shutdown({.wait = false});
  may_end.set();
  pool.shutdown();
  EXPECT_TRUE(running.done());
  EXPECT_TRUE(pending.done());
}

TYPED_TEST(ShutdownConformance, SHU_04_cancelling_ends_what_has_not_begun_and_nothing_else) {
  if (TypeParam::kRunsInSubmit) SKIP_ROW(kSequentialNeverPending);
  auto pool = TypeParam::make(1);
  Event begun;
  Event may_end;
  auto running = pool.submit(hold_worker, begun.name(), may_end.name(), 1);
  std::vector<Future<int>> pending;
  for (int i = 0; i < 50; ++i) pending.push_back(pool.submit(square, i));
  begun.wait();
  std::jthread release_the_sleeper([&, test = this_thread_id()] {
    await_sleep_of(test);
    may_end.set();
  });
  pool.shutdown({.wait = true, .cancel_futures = true});
  EXPECT_EQ(running.result(0s), 1);
  for (const auto& future : pending) EXPECT_TRUE(future.cancelled());
}

TYPED_TEST(ShutdownConformance, SHU_05_cancelling_without_waiting_leaves_no_future_undone) {
  if (TypeParam::kRunsInSubmit) SKIP_ROW(kSequentialNeverPending);
  std::vector<Future<int>> futures;
  {
    auto pool = TypeParam::make(2);
    for (int i = 0; i < 50; ++i) futures.push_back(pool.submit(square, i));
    pool.shutdown({.wait = false, .cancel_futures = true});
  }
  EXPECT_EQ(wait(futures).done.size(), 50U);
  for (const auto& future : futures) {
    EXPECT_TRUE(future.cancelled() || !future.exception());
  }
}

TYPED_TEST(ShutdownConformance, SHU_05_callbacks_of_cancelled_futures_may_use_the_pool) {
  if (TypeParam::kRunsInSubmit) SKIP_ROW(kSequentialNeverPending);
  auto pool = TypeParam::make(1);
  BusyWorker busy(pool);
  auto pending = pool.submit(square, 1);
  bool refused = false;
  pending.add_done_callback([&](const Future<int>&) {
    try {
      pool.submit(square, 2);
    } catch (const ShutdownError&) {
      refused = true;
    }
  });
  pool.shutdown({.wait = false, .cancel_futures = true});
  EXPECT_TRUE(refused);
}

// CPython's goes at once, and its work is done all the same.
TYPED_TEST(ShutdownConformance, SHU_06_an_executor_that_goes_waits_for_the_work_it_took) {
  std::vector<Future<int>> futures;
  {
    auto pool = TypeParam::make(1);
    for (int i = 0; i < 10; ++i) futures.push_back(pool.submit(square, i));
  }
  for (const auto& future : futures) EXPECT_TRUE(future.done() && !future.exception());
}

TYPED_TEST(ShutdownConformance, SHU_06_told_not_to_wait_before_it_goes_it_does_not) {
  if (TypeParam::kRunsInSubmit) SKIP_ROW(kSequentialNeverPending);
  Event begun;
  Event may_end;
  Future<int> running;
  {
    auto pool = TypeParam::make(1);
    running = pool.submit(hold_worker, begun.name(), may_end.name(), 5);
    begun.wait();
    pool.shutdown({.wait = false});
  }
  EXPECT_FALSE(running.done());
  may_end.set();
  EXPECT_EQ(running.result(), 5);
}

TYPED_TEST(ShutdownConformanceDeathTest, SHU_07_the_end_of_the_program_waits_for_accepted_work) {
  const auto end_with_work = [] {
    static auto pool = TypeParam::make(1);
    for (int i = 0; i < 10; ++i) {
      pool.submit([](int x) { fmt::print(stderr, "task {} ran\n", x); }, i);
    }
    std::exit(0);  // NOLINT(concurrency-mt-unsafe): the end of the program is what is tested
  };
  EXPECT_EXIT(end_with_work(), ::testing::ExitedWithCode(0), "task 9 ran");
}

/// Ends the program while a task runs that never ends, and another one waits behind it.
template <class Executor>
[[noreturn]] void leave_work_behind(const ShutdownOptions& options) {
  // Still there at the end, or the task would fail and end.
  static Event begun;
  static Event never;
  {
    auto pool = Executor::make(1);
    pool.submit(hold_worker, begun.name(), never.name(), 1);
    begun.wait();
    const auto pending = pool.submit(square, 3);
    pool.shutdown(options);
    if (pending.cancelled() != options.cancel_futures) std::abort();
  }
  std::exit(0);  // NOLINT(concurrency-mt-unsafe): the end of the program is what is tested
}

TYPED_TEST(ShutdownConformanceDeathTest, SHU_05_cancelling_without_waiting_is_safe_at_the_end) {
  if (TypeParam::kRunsInSubmit) SKIP_ROW(kSequentialNeverPending);
  const ShutdownOptions cancelling{.wait = false, .cancel_futures = true};
  EXPECT_EXIT(leave_work_behind<TypeParam>(cancelling), ::testing::ExitedWithCode(0), "");
}

TYPED_TEST(ShutdownConformanceDeathTest, SHU_08_work_that_nobody_waits_for_does_not_hang_the_end) {
  if (TypeParam::kRunsInSubmit) SKIP_ROW(kSequentialNeverPending);
  EXPECT_EXIT(leave_work_behind<TypeParam>({.wait = false}), ::testing::ExitedWithCode(0), "");
}

TYPED_TEST(ShutdownConformance, SHU_09_submit_cancel_and_shut_down) {
  if (TypeParam::kRunsInSubmit) SKIP_ROW(kSequentialNeverPending);
  auto pool = TypeParam::make(1);
  {
    BusyWorker busy(pool);
    EXPECT_TRUE(pool.submit(square, 1).cancel());
  }
  pool.shutdown();
}

TYPED_TEST(ShutdownConformance, SHU_10_shutting_down_under_load_does_not_hang) {
  for (int round = 0; round < 10; ++round) {
    auto pool = TypeParam::make(3);
    std::vector<Future<int>> futures;
    for (int i = 0; i < 100; ++i) futures.push_back(pool.submit(square, i));
    pool.shutdown();
    for (const auto& future : futures) ASSERT_TRUE(future.done());
  }
}

TYPED_TEST(ShutdownConformance, SHU_10_a_submit_that_races_with_shutdown_is_run_or_refused) {
  for (int round = 0; round < 10; ++round) {
    auto pool = TypeParam::make(2);
    std::vector<Future<int>> accepted;
    std::latch submitted{1};
    std::jthread producer([&] {
      try {
        for (int i = 0;; ++i) {
          accepted.push_back(pool.submit(square, i));
          if (i == 20) submitted.count_down();
        }
      } catch (const ShutdownError&) {
      }
    });
    submitted.wait();
    pool.shutdown();
    producer.join();
    for (const auto& future : accepted) ASSERT_TRUE(future.done());
  }
}

TYPED_TEST(ShutdownConformance, SHU_11_after_waiting_no_thread_and_no_descriptor_is_left) {
  const auto use_a_pool = [] {
    auto pool = TypeParam::make(3);
    for (const int value : pool.map(square, std::vector{1, 2, 3, 4})) static_cast<void>(value);
    pool.shutdown();
  };
  use_a_pool();  // what is made once for the process is made now
  const NewThreads threads;
  const NewDescriptors descriptors;
  use_a_pool();
  EXPECT_TRUE(threads.come_to_an_end());
  EXPECT_EQ(descriptors.count(), 0);
}

}  // namespace
}  // namespace poolmark::test
