#include <limits>
#include <memory>
#include <numeric>
#include <thread>

#include "executors.hpp"

// What submit() and the executor itself do. "Executor Objects" of Python's documentation.
namespace poolmark::test {
namespace {

template <class Case>
class ExecutorConformance : public ::testing::Test {};
TYPED_TEST_SUITE(ExecutorConformance, AllExecutors, ExecutorNames);

TYPED_TEST(ExecutorConformance, EXE_01_submit_returns_a_future_with_the_value_of_the_call) {
  auto pool = TypeParam::make();
  EXPECT_EQ(pool.submit(square, 7).result(), 49);
  EXPECT_EQ(pool.submit(add, 3, 4).result(), 7);
  EXPECT_EQ(pool.submit(repeat, std::string("xyz"), 2).result(), "xyzxyz");
  pool.submit(do_nothing).result();
}

TYPED_TEST(ExecutorConformance, EXE_01_submit_takes_any_invocable) {
  auto pool = TypeParam::make();
  EXPECT_EQ(pool.submit([] { return 5; }).result(), 5);
  const int addend = pool.max_workers();
  EXPECT_EQ(pool.submit([addend](int x) { return x + addend; }, 5).result(), 5 + addend);
  EXPECT_EQ(pool.submit(std::plus<int>{}, 2, 3).result(), 5);
}

TYPED_TEST(ExecutorConformance, EXE_01_containers_cross_both_ways) {
  auto pool = TypeParam::make();
  auto reversed = pool.submit(
      [](std::vector<std::string> words) {
        std::ranges::reverse(words);
        return words;
      },
      std::vector<std::string>{"a", "", "ccc"});
  EXPECT_THAT(std::move(reversed).take(), ::testing::ElementsAre("ccc", "", "a"));
}

TYPED_TEST(ExecutorConformance, EXE_01_arguments_are_copied_when_submit_is_called) {
  if (TypeParam::kRunsInSubmit) SKIP_ROW(kSequentialNeverPending);
  auto pool = TypeParam::make(1);
  BusyWorker busy(pool);
  std::string text = "before";
  auto future = pool.submit(repeat, text, 1);
  text = "after";
  busy.release();
  EXPECT_EQ(future.result(), "before");
}

TYPED_TEST(ExecutorConformance, EXE_01_a_result_that_only_moves_is_taken) {
  auto pool = TypeParam::make();
  auto future = pool.submit([](std::unique_ptr<int> p) { return p; }, std::make_unique<int>(8));
  EXPECT_EQ(*std::move(future).take(), 8);
}

TYPED_TEST(ExecutorConformance, EXE_01_every_one_of_many_small_tasks_gets_its_own_result) {
  auto pool = TypeParam::make();
  std::vector<Future<int>> futures;
  for (int i = 0; i < 2000; ++i) futures.push_back(pool.submit(square, i));
  for (int i = 0; i < 2000; ++i) {
    ASSERT_EQ(futures[static_cast<std::size_t>(i)].result(), i * i) << "task " << i;
  }
}

TYPED_TEST(ExecutorConformance, EXE_01_no_wake_is_lost_between_one_task_and_the_next) {
  auto pool = TypeParam::make(1);
  // Each task comes when the worker is about to go to sleep.
  for (int i = 0; i < 5000; ++i) ASSERT_EQ(pool.submit(identity, i).result(), i);
}

TYPED_TEST(ExecutorConformance, EXE_01_one_worker_runs_tasks_in_the_order_of_submission) {
  auto pool = TypeParam::make(1);
  Mailbox order;
  for (int i = 0; i < 50; ++i) pool.submit(post, order.name(), i);
  pool.shutdown();
  std::vector<int> expected(50);
  std::iota(expected.begin(), expected.end(), 0);
  EXPECT_EQ(order.receive(50), expected);
}

TYPED_TEST(ExecutorConformance, EXE_01_many_threads_may_submit) {
  auto pool = TypeParam::make();
  std::array<int, 4> sums{};
  {
    std::vector<std::jthread> callers;
    for (int& sum : sums) {
      callers.emplace_back([&pool, &sum] {
        for (int i = 1; i <= 100; ++i) sum += pool.submit(identity, i).result();
      });
    }
  }
  EXPECT_THAT(sums, ::testing::Each(5050));
}

// EXE_03 (submit without a callable) is refused by the compiler: compile_fail/.

TYPED_TEST(ExecutorConformance, EXE_04_a_worker_count_out_of_range_is_refused) {
  if (TypeParam::kRunsInSubmit) {
    SKIP_ROW("the sequential executor has no worker count to get wrong");
  } else {
    std::vector counts{0, -1, std::numeric_limits<int>::min()};
    if (TypeParam::kMostWorkers < 1'000'000'000) counts.push_back(1'000'000'000);
    for (const int count : counts) {
      EXPECT_THROW_WITH(TypeParam::make(count), std::invalid_argument,
                        "is " + std::to_string(count) + ": it must be from 1 to " +
                            std::to_string(TypeParam::kMostWorkers));
    }
    EXPECT_EQ(TypeParam::make(3).max_workers(), 3);
  }
}

TYPED_TEST(ExecutorConformance, EXE_06_leaving_the_scope_waits_for_all_work) {
  Mailbox ran;
  {
    auto pool = TypeParam::make();
    for (int i = 0; i < 20; ++i) pool.submit(post, ran.name(), i);
  }
  EXPECT_EQ(ran.size(), 20);
}

TYPED_TEST(ExecutorConformance, EXE_07_callable_and_arguments_are_gone_when_the_result_is_there) {
  if (!TypeParam::kSharesMemory) {
    SKIP_ROW(kProcessesShareNothing);
  } else if constexpr (TypeParam::kSharesMemory) {
    auto pool = TypeParam::make();
    auto captured = std::make_shared<int>(1);
    auto argument = std::make_shared<int>(2);
    const Event may_end;
    if (TypeParam::kRunsInSubmit) may_end.set();
    auto future = pool.submit(
        [captured, event = may_end.name()](const std::shared_ptr<int>&) { event.wait(); },
        argument);
    long owners = 0;
    // Who waits for the result may be late; this runs at once, in the thread that ran the task.
    future.add_done_callback(
        [&](const auto&) { owners = captured.use_count() + argument.use_count(); });
    may_end.set();
    pool.shutdown();
    EXPECT_EQ(owners, 2);
  }
}

TYPED_TEST(ExecutorConformance, EXE_07_a_cancelled_task_lets_go_of_its_arguments) {
  if (TypeParam::kRunsInSubmit) SKIP_ROW(kSequentialNeverPending);
  if (!TypeParam::kSharesMemory) {
    SKIP_ROW(kProcessesShareNothing);
  } else if constexpr (TypeParam::kSharesMemory) {
    auto pool = TypeParam::make(1);
    BusyWorker busy(pool);
    auto argument = std::make_shared<int>(2);
    auto pending = pool.submit([](const std::shared_ptr<int>&) {}, argument);
    EXPECT_EQ(argument.use_count(), 2);
    EXPECT_TRUE(pending.cancel());
    EXPECT_EQ(argument.use_count(), 1);
  }
}

TYPED_TEST(ExecutorConformance, EXE_07_a_dropped_future_lets_go_of_its_value) {
  if (!TypeParam::kSharesMemory) {
    SKIP_ROW(kProcessesShareNothing);
  } else if constexpr (TypeParam::kSharesMemory) {
    std::weak_ptr<int> value;
    {
      auto pool = TypeParam::make();
      auto future = pool.submit([] { return std::make_shared<int>(3); });
      value = future.result();
      EXPECT_FALSE(value.expired());
    }
    EXPECT_TRUE(value.expired());
  }
}

TYPED_TEST(ExecutorConformance, EXE_08_dropping_a_future_neither_blocks_nor_cancels) {
  if (TypeParam::kRunsInSubmit) SKIP_ROW(kSequentialNeverPending);
  Mailbox ran;
  {
    auto pool = TypeParam::make(1);
    BusyWorker busy(pool);
    // A pending one; were dropping to block, the test would stop here.
    static_cast<void>(pool.submit(post, ran.name(), 1));
    busy.release();
  }
  EXPECT_EQ(ran.size(), 1);
}

TYPED_TEST(ExecutorConformance, EXE_08_a_future_outlives_its_executor) {
  Future<std::string> future;
  {
    auto pool = TypeParam::make();
    future = pool.submit(repeat, std::string("ab"), 2);
  }
  EXPECT_EQ(future.result(), "abab");
}

TYPED_TEST(ExecutorConformance, EXE_09_submit_and_map_after_shutdown_are_refused) {
  auto pool = TypeParam::make();
  pool.submit(square, 2).result();
  pool.shutdown();
  EXPECT_THROW_WITH(pool.submit(square, 2), ShutdownError, "after shutdown()");
  EXPECT_THROW(pool.map(square, std::vector{1, 2}), ShutdownError);
  // Also in a pool that never had work.
  auto unused = TypeParam::make();
  unused.shutdown();
  EXPECT_THROW(unused.submit(square, 2), ShutdownError);
}

TYPED_TEST(ExecutorConformance, EXE_09_a_submitter_that_outlives_its_executor_refuses) {
  auto submitter = [] {
    auto pool = TypeParam::make();
    return pool.submitter();
  }();
  EXPECT_THROW(submitter.submit(square, 2), ShutdownError);
}

TYPED_TEST(ExecutorConformance, TPE_01_the_default_size_is_the_usable_cpus) {
  if (!TypeParam::kHasWorkers) {
    SKIP_ROW(kHasNoWorkers);
  } else {
    typename TypeParam::Executor pool;
    EXPECT_EQ(pool.max_workers(), usable_cpus());
  }
}

TYPED_TEST(ExecutorConformance, TPE_02_saturation_reaches_the_maximum_and_does_not_pass_it) {
  if (TypeParam::kRunsInSubmit) SKIP_ROW(kSequentialHasNoWorkers);
  constexpr int kWorkers = 3;
  // Gone after the pool: the last tasks may still post when the last one to be submitted is done.
  Mailbox begun;
  Event may_end;
  auto pool = TypeParam::make(kWorkers);
  const auto occupy = [](MailboxName box, EventName end) {
    box.post(1);
    end.wait();
  };
  for (int i = 0; i < 4 * kWorkers; ++i)
    pool.submit(TypeParam::waiting(occupy), begun.name(), may_end.name());
  begun.receive(kWorkers);
  // All workers hold a task now. One more would have to begin before this one, which was first.
  auto last = pool.submit(square, 2);
  EXPECT_FALSE(last.done());
  EXPECT_EQ(begun.size(), 0);
  may_end.set();
  EXPECT_EQ(last.result(), 4);
  EXPECT_EQ(pool.max_workers(), kWorkers);
}

TYPED_TEST(ExecutorConformance, TPE_03_workers_that_were_idle_all_come_back) {
  if (TypeParam::kRunsInSubmit) SKIP_ROW(kSequentialHasNoWorkers);
  constexpr int kWorkers = 3;
  auto pool = TypeParam::make(kWorkers);
  Mailbox begun;
  for (int round = 0; round < 3; ++round) {
    Event may_end;
    const auto occupy = [](MailboxName box, EventName end, int x) {
      box.post(x);
      end.wait();
      return x;
    };
    std::vector<Future<int>> futures;
    for (int i = 0; i < kWorkers; ++i) {
      futures.push_back(pool.submit(TypeParam::waiting(occupy), begun.name(), may_end.name(), i));
    }
    begun.receive(kWorkers);  // all at once, or this is a hang
    may_end.set();
    wait(futures);
  }
}

}  // namespace
}  // namespace poolmark::test
