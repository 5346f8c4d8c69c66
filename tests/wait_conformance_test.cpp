#include <thread>

#include "executors.hpp"

// "Module Functions", wait(), of Python's documentation, on the futures of every executor.
namespace poolmark::test {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

template <class Case>
class WaitConformance : public ::testing::Test {};
TYPED_TEST_SUITE(WaitConformance, AllExecutors, ExecutorNames);

TYPED_TEST(WaitConformance, WAIT_01_duplicates_collapse_to_one) {
  auto pool = TypeParam::make();
  auto a = pool.submit(square, 1);
  auto b = pool.submit(square, 2);
  const auto [done, not_done] = wait(std::vector{a, b, a, a, b});
  EXPECT_THAT(done, ElementsAre(a, b));
  EXPECT_THAT(not_done, IsEmpty());
}

TYPED_TEST(WaitConformance, WAIT_01_futures_of_several_types_and_executors_mix) {
  auto pool = TypeParam::make();
  ThreadPoolExecutor threads(1);
  const std::vector<AnyFuture> futures{pool.submit(square, 1), threads.submit(do_nothing),
                                       pool.submit(repeat, std::string("a"), 2)};
  EXPECT_EQ(wait(futures).done, futures);
}

TYPED_TEST(WaitConformance, WAIT_02_first_completed_returns_when_one_is_done) {
  if (TypeParam::kRunsInSubmit) SKIP_ROW(kSequentialNeverPending);
  auto pool = TypeParam::make(2);
  BusyWorker held(pool, TypeParam::waiting(hold_worker));
  Event may_end;
  auto first = pool.submit(TypeParam::waiting(return_when), may_end.name(), 1);
  std::jthread release_the_sleeper([&, test = this_thread_id()] {
    await_sleep_of(test);
    may_end.set();
  });
  const auto [done, not_done] =
      wait(std::vector{held.future(), first}, {.return_when = ReturnWhen::FirstCompleted});
  EXPECT_THAT(done, ElementsAre(first));
  EXPECT_THAT(not_done, ElementsAre(held.future()));
}

TYPED_TEST(WaitConformance, WAIT_02_first_completed_returns_at_once_all_that_are_done_already) {
  auto pool = TypeParam::make(2);
  std::vector<Future<int>> futures{pool.submit(square, 1), pool.submit(square, 2)};
  for (const auto& future : futures) future.result();
  if constexpr (TypeParam::kRunsInSubmit) {
    EXPECT_EQ(wait(futures, {.return_when = ReturnWhen::FirstCompleted}).done, futures);
  } else {
    BusyWorker held(pool, TypeParam::waiting(hold_worker));
    const std::vector<Future<int>> all{held.future(), futures[0], futures[1]};
    const auto [done, not_done] = wait(all, {.return_when = ReturnWhen::FirstCompleted});
    EXPECT_EQ(done, futures);
    EXPECT_THAT(not_done, ElementsAre(held.future()));
  }
}

// CPython counts it as not done until a worker has come past it (cpython#109934).
TYPED_TEST(WaitConformance, WAIT_03_a_cancelled_future_is_done_at_once) {
  if (TypeParam::kRunsInSubmit) SKIP_ROW(kSequentialNeverPending);
  auto pool = TypeParam::make(1);
  BusyWorker held(pool);
  auto cancelled = pool.submit(square, 1);
  EXPECT_TRUE(cancelled.cancel());
  for (const auto mode : {ReturnWhen::FirstCompleted, ReturnWhen::AllCompleted}) {
    EXPECT_THAT(wait(std::vector{cancelled}, {.return_when = mode}).done, ElementsAre(cancelled));
  }
  const auto both =
      wait(std::vector{held.future(), cancelled}, {.return_when = ReturnWhen::FirstCompleted});
  EXPECT_THAT(both.done, ElementsAre(cancelled));
  EXPECT_THAT(both.not_done, ElementsAre(held.future()));
}

TYPED_TEST(WaitConformance, WAIT_03_a_blocked_wait_sees_a_cancellation_by_another_thread) {
  if (TypeParam::kRunsInSubmit) SKIP_ROW(kSequentialNeverPending);
  auto pool = TypeParam::make(1);
  BusyWorker held(pool);
  auto pending = pool.submit(square, 1);
  std::jthread canceller([&, test = this_thread_id()] {
    await_sleep_of(test);
    EXPECT_TRUE(pending.cancel());
  });
  EXPECT_THAT(wait(std::vector{pending}).done, ElementsAre(pending));
}

// Notified is what CPython calls a cancelled future that a worker has come past.
TYPED_TEST(WaitConformance, WAIT_04_a_future_whose_cancellation_was_noticed_is_done) {
  if (TypeParam::kRunsInSubmit) SKIP_ROW(kSequentialNeverPending);
  auto pool = TypeParam::make(1);
  BusyWorker held(pool);
  auto cancelled = pool.submit(square, 1);
  EXPECT_TRUE(cancelled.cancel());
  held.release();
  EXPECT_EQ(pool.submit(square, 2).result(), 4);  // the worker has come past it
  for (const auto mode :
       {ReturnWhen::FirstCompleted, ReturnWhen::FirstException, ReturnWhen::AllCompleted}) {
    EXPECT_THAT(wait(std::vector{cancelled}, {.return_when = mode}).done, ElementsAre(cancelled));
  }
}

TYPED_TEST(WaitConformance, WAIT_05_first_exception_returns_when_one_fails) {
  if (TypeParam::kRunsInSubmit) SKIP_ROW(kSequentialNeverPending);
  auto pool = TypeParam::make(2);
  BusyWorker held(pool, TypeParam::waiting(hold_worker));
  auto finished = pool.submit(square, 2);
  Event may_end;
  auto failing = pool.submit(TypeParam::waiting(throw_when), may_end.name());
  finished.result();
  std::jthread release_the_sleeper([&, test = this_thread_id()] {
    await_sleep_of(test);
    may_end.set();
  });
  const auto [done, not_done] = wait(std::vector{held.future(), finished, failing},
                                     {.return_when = ReturnWhen::FirstException});
  EXPECT_THAT(done, ElementsAre(finished, failing));
  EXPECT_THAT(not_done, ElementsAre(held.future()));
}

TYPED_TEST(WaitConformance, WAIT_05_first_exception_waits_for_all_when_none_fails) {
  auto pool = TypeParam::make(2);
  std::vector<Future<int>> futures;
  for (int i = 0; i < 20; ++i) futures.push_back(pool.submit(square, i));
  EXPECT_EQ(wait(futures, {.return_when = ReturnWhen::FirstException}).done, futures);
}

TYPED_TEST(WaitConformance, WAIT_06_first_exception_returns_at_once_if_one_has_failed) {
  if (TypeParam::kRunsInSubmit) SKIP_ROW(kSequentialNeverPending);
  auto pool = TypeParam::make(2);
  BusyWorker held(pool, TypeParam::waiting(hold_worker));
  auto failed = pool.submit(throw_out_of_range, 1);
  EXPECT_TRUE(failed.exception());
  const auto [done, not_done] =
      wait(std::vector{held.future(), failed}, {.return_when = ReturnWhen::FirstException});
  EXPECT_THAT(done, ElementsAre(failed));
  EXPECT_THAT(not_done, ElementsAre(held.future()));
}

TYPED_TEST(WaitConformance, WAIT_06_a_cancellation_is_no_failure) {
  if (TypeParam::kRunsInSubmit) SKIP_ROW(kSequentialNeverPending);
  auto pool = TypeParam::make(1);
  BusyWorker held(pool);
  auto cancelled = pool.submit(square, 1);
  EXPECT_TRUE(cancelled.cancel());
  const auto [done, not_done] = wait(std::vector{cancelled, held.future()},
                                     {.timeout = 1ms, .return_when = ReturnWhen::FirstException});
  EXPECT_THAT(done, ElementsAre(cancelled));
  EXPECT_THAT(not_done, ElementsAre(held.future()));
  std::jthread release_the_sleeper([&, test = this_thread_id()] {
    await_sleep_of(test);
    held.release();
  });
  EXPECT_THAT(
      wait(std::vector{cancelled, held.future()}, {.return_when = ReturnWhen::FirstException})
          .not_done,
      IsEmpty());
}

TYPED_TEST(WaitConformance, WAIT_07_all_completed_counts_values_errors_and_cancellations) {
  auto pool = TypeParam::make(1);
  std::vector<Future<int>> futures{pool.submit(square, 1), pool.submit(throw_out_of_range, 1)};
  if constexpr (!TypeParam::kRunsInSubmit) {
    BusyWorker held(pool);
    futures.push_back(pool.submit(square, 2));
    EXPECT_TRUE(futures.back().cancel());
    futures.push_back(held.future());
    futures.push_back(pool.submit(square, 3));
  }
  const auto [done, not_done] = wait(futures);
  EXPECT_EQ(done, futures);
  EXPECT_THAT(not_done, IsEmpty());
}

TYPED_TEST(WaitConformance, WAIT_08_a_timeout_returns_both_parts_and_throws_nothing) {
  if (TypeParam::kRunsInSubmit) SKIP_ROW(kSequentialNeverPending);
  auto pool = TypeParam::make(2);
  BusyWorker held(pool, TypeParam::waiting(hold_worker));
  auto finished = pool.submit(square, 2);
  finished.result();
  const std::chrono::duration<double> timeouts[] = {0s, -1s, 1ms};
  for (const auto timeout : timeouts) {
    const auto [done, not_done] = wait(std::vector{held.future(), finished}, {.timeout = timeout});
    EXPECT_THAT(done, ElementsAre(finished));
    EXPECT_THAT(not_done, ElementsAre(held.future()));
  }
}

TYPED_TEST(WaitConformance, WAIT_09_the_parts_keep_the_order_of_the_input) {
  auto pool = TypeParam::make(2);
  std::vector<Future<int>> futures;
  for (int i = 0; i < 50; ++i) futures.push_back(pool.submit(square, i));
  std::ranges::reverse(futures);
  EXPECT_EQ(wait(futures).done, futures);
}

TYPED_TEST(WaitConformance, WAIT_11_no_wake_is_lost_among_a_hundred_futures) {
  auto pool = TypeParam::make(2);
  for (int round = 0; round < 20; ++round) {
    std::vector<Future<int>> futures;
    for (int i = 0; i < 100; ++i) futures.push_back(pool.submit(square, i));
    ASSERT_EQ(wait(futures).done.size(), 100U);
  }
}

TYPED_TEST(WaitConformance, WAIT_12_a_wait_that_gave_up_leaves_nothing_behind) {
  if (TypeParam::kRunsInSubmit) SKIP_ROW(kSequentialNeverPending);
  auto pool = TypeParam::make(1);
  BusyWorker held(pool);
  auto pending = pool.submit(square, 3);
  for (int i = 0; i < 1000; ++i) {
    EXPECT_EQ(wait(std::vector{held.future(), pending}, {.timeout = 0s}).not_done.size(), 2U);
  }
  held.release();  // would tell those that have gone
  EXPECT_EQ(pending.result(), 9);
}

}  // namespace
}  // namespace poolmark::test
