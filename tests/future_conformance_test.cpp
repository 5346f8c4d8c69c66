#include <fmt/format.h>

#include <set>
#include <thread>
#include <unordered_set>

#include "executors.hpp"

// What the futures of every executor do. "Future Objects" of Python's documentation.
namespace poolmark::test {
namespace {

template <class Case>
class FutureConformance : public ::testing::Test {};
TYPED_TEST_SUITE(FutureConformance, AllExecutors, ExecutorNames);

/// Runs `block` in a thread of its own and returns when that thread sleeps in it.
template <class F>
std::thread start_and_let_sleep(F block) {
  std::atomic<int> id{0};
  std::thread blocked([&id, block = std::move(block)] {
    id.store(this_thread_id());
    id.notify_one();
    block();
  });
  id.wait(0);
  await_sleep_of(id.load());
  return blocked;
}

TYPED_TEST(FutureConformance, FUT_01_states_follow_the_task) {
  if (TypeParam::kRunsInSubmit) SKIP_ROW(kSequentialNeverPending);
  auto pool = TypeParam::make(1);
  BusyWorker busy(pool);
  auto pending = pool.submit(square, 3);

  EXPECT_TRUE(busy.future().running());
  EXPECT_FALSE(busy.future().done());
  EXPECT_FALSE(pending.running());
  EXPECT_FALSE(pending.done());
  EXPECT_FALSE(pending.cancelled());

  EXPECT_TRUE(pending.cancel());
  EXPECT_TRUE(pending.cancelled());
  EXPECT_TRUE(pending.done());
  EXPECT_FALSE(pending.running());

  busy.release();
  EXPECT_TRUE(busy.future().done());
  EXPECT_FALSE(busy.future().running());
  EXPECT_FALSE(busy.future().cancelled());
}

TYPED_TEST(FutureConformance, FUT_01_a_failed_future_is_done) {
  auto pool = TypeParam::make();
  auto failed = pool.submit(throw_out_of_range, 1);
  EXPECT_TRUE(failed.exception());
  EXPECT_TRUE(failed.done());
  EXPECT_FALSE(failed.running());
  EXPECT_FALSE(failed.cancelled());
}

TYPED_TEST(FutureConformance, FUT_02_cancelling_again_succeeds_and_fires_nothing_twice) {
  if (TypeParam::kRunsInSubmit) SKIP_ROW(kSequentialNeverPending);
  auto pool = TypeParam::make(1);
  BusyWorker busy(pool);
  auto pending = pool.submit(square, 3);
  int calls = 0;
  pending.add_done_callback([&](const Future<int>&) { ++calls; });

  EXPECT_TRUE(pending.cancel());
  EXPECT_TRUE(pending.cancel());
  EXPECT_EQ(calls, 1);
}

TYPED_TEST(FutureConformance, FUT_02_a_cancelled_task_never_runs) {
  if (TypeParam::kRunsInSubmit) SKIP_ROW(kSequentialNeverPending);
  Mailbox ran;
  {
    auto pool = TypeParam::make(1);
    BusyWorker busy(pool);
    auto cancelled = pool.submit(post, ran.name(), 1);
    auto kept = pool.submit(post, ran.name(), 2);
    EXPECT_TRUE(cancelled.cancel());
  }
  EXPECT_EQ(ran.size(), 1);
  EXPECT_EQ(ran.receive(), 2);
}

TYPED_TEST(FutureConformance, FUT_03_cancelling_a_running_or_finished_future_changes_nothing) {
  auto pool = TypeParam::make(1);
  auto finished = pool.submit(square, 3);
  EXPECT_EQ(finished.result(), 9);
  EXPECT_FALSE(finished.cancel());
  EXPECT_FALSE(finished.cancelled());
  EXPECT_EQ(finished.result(), 9);
  if (TypeParam::kRunsInSubmit) return;

  Event begun;
  Event may_end;
  auto running = pool.submit(hold_worker, begun.name(), may_end.name(), 5);
  begun.wait();
  EXPECT_FALSE(running.cancel());
  EXPECT_TRUE(running.running());
  may_end.set();
  EXPECT_EQ(running.result(), 5);
}

TYPED_TEST(FutureConformance, FUT_04_a_zero_timeout_asks_without_waiting) {
  if (TypeParam::kRunsInSubmit) SKIP_ROW(kSequentialNeverPending);
  auto pool = TypeParam::make(1);
  BusyWorker busy(pool);
  EXPECT_THROW(busy.future().result(0s), TimeoutError);
  EXPECT_THROW(busy.future().exception(0s), TimeoutError);
  EXPECT_THROW(busy.future().result(-1s), TimeoutError);
  EXPECT_TRUE(busy.future().running());
}

TYPED_TEST(FutureConformance, FUT_05_result_of_a_cancelled_future_is_its_own_error) {
  if (TypeParam::kRunsInSubmit) SKIP_ROW(kSequentialNeverPending);
  auto pool = TypeParam::make(1);
  BusyWorker busy(pool);
  auto pending = pool.submit(square, 3);
  EXPECT_TRUE(pending.cancel());
  EXPECT_THROW(pending.result(), CancelledError);
  EXPECT_THROW(pending.result(0s), CancelledError);
  EXPECT_THROW(pending.result(1h), CancelledError);
  EXPECT_THROW(pending.exception(), CancelledError);
  // Also when the worker has come past it.
  busy.release();
  EXPECT_EQ(pool.submit(square, 2).result(), 4);
  EXPECT_THROW(pending.result(), CancelledError);
}

TYPED_TEST(FutureConformance, FUT_06_result_throws_what_the_task_threw) {
  auto pool = TypeParam::make();
  auto failed = pool.submit(throw_out_of_range, 7);
  EXPECT_THROW_WITH(failed.result(), std::out_of_range, "no element 7");
  EXPECT_THROW_WITH(failed.result(0s), std::out_of_range, "no element 7");
}

TYPED_TEST(FutureConformance, ERR_02_a_tasks_own_timeout_error_is_an_error_like_any_other) {
  auto pool = TypeParam::make();
  auto failed = pool.submit(throw_timeout_error, 1);
  EXPECT_THROW_WITH(failed.result(), TimeoutError, "the task's own timeout");
}

TYPED_TEST(FutureConformance, FUT_07_result_may_be_read_many_times_by_many_threads) {
  auto pool = TypeParam::make();
  const auto future = pool.submit(repeat, std::string("ab"), 3);
  std::vector<const std::string*> seen(4);
  {
    std::vector<std::jthread> readers;
    for (auto& place : seen) readers.emplace_back([&] { place = &future.result(); });
  }
  EXPECT_EQ(future.result(), "ababab");
  EXPECT_THAT(seen, ::testing::Each(&future.result()));
}

TYPED_TEST(FutureConformance, FUT_07_take_moves_the_value_out_once) {
  auto pool = TypeParam::make();
  auto future = pool.submit(repeat, std::string("ab"), 3);
  const auto other_handle = future;
  EXPECT_EQ(std::move(future).take(), "ababab");
  EXPECT_THROW(other_handle.result(), InvalidStateError);
  EXPECT_THROW(Future<std::string>(other_handle).take(), InvalidStateError);
  EXPECT_TRUE(other_handle.done());
  EXPECT_FALSE(other_handle.exception());
}

TYPED_TEST(FutureConformance, FUT_08_a_blocked_result_wakes_when_the_value_comes) {
  if (TypeParam::kRunsInSubmit) SKIP_ROW(kSequentialNeverPending);
  auto pool = TypeParam::make(1);
  Event may_end;
  auto future = pool.submit(return_when, may_end.name(), 42);
  int seen = 0;
  auto blocked = start_and_let_sleep([&] { seen = future.result(); });
  may_end.set();
  blocked.join();
  EXPECT_EQ(seen, 42);
}

TYPED_TEST(FutureConformance, FUT_08_all_threads_blocked_on_one_future_wake) {
  if (TypeParam::kRunsInSubmit) SKIP_ROW(kSequentialNeverPending);
  auto pool = TypeParam::make(1);
  Event may_end;
  auto future = pool.submit(return_when, may_end.name(), 42);
  std::array<int, 3> seen{};
  std::vector<std::thread> blocked;
  for (int& place : seen) {
    blocked.push_back(start_and_let_sleep([&] { place = future.result(); }));
  }
  may_end.set();
  for (auto& thread : blocked) thread.join();
  EXPECT_THAT(seen, ::testing::Each(42));
}

TYPED_TEST(FutureConformance, FUT_09_a_blocked_result_wakes_when_another_thread_cancels) {
  if (TypeParam::kRunsInSubmit) SKIP_ROW(kSequentialNeverPending);
  auto pool = TypeParam::make(1);
  BusyWorker busy(pool);
  auto pending = pool.submit(square, 3);
  auto blocked = start_and_let_sleep([&] { EXPECT_THROW(pending.result(), CancelledError); });
  EXPECT_TRUE(pending.cancel());
  blocked.join();
}

TYPED_TEST(FutureConformance, FUT_10_exception_is_null_after_a_value_and_the_error_after_a_throw) {
  auto pool = TypeParam::make();
  EXPECT_FALSE(pool.submit(square, 3).exception());
  auto failed = pool.submit(throw_out_of_range, 5);
  const auto error = failed.exception(1h);
  ASSERT_TRUE(error);
  EXPECT_THROW_WITH(std::rethrow_exception(error), std::out_of_range, "no element 5");
}

TYPED_TEST(FutureConformance, FUT_11_a_blocked_exception_wakes_when_the_task_fails) {
  if (TypeParam::kRunsInSubmit) SKIP_ROW(kSequentialNeverPending);
  auto pool = TypeParam::make(1);
  Event may_end;
  auto future = pool.submit(throw_when, may_end.name());
  auto blocked = start_and_let_sleep([&] { EXPECT_TRUE(future.exception()); });
  may_end.set();
  blocked.join();
}

TYPED_TEST(FutureConformance, FUT_12_timeouts_may_be_fractions_of_a_second) {
  auto pool = TypeParam::make(1);
  auto finished = pool.submit(square, 3);
  EXPECT_EQ(finished.result(std::chrono::duration<double>(1e30)), 9);
  if (TypeParam::kRunsInSubmit) return;
  BusyWorker busy(pool);
  EXPECT_THROW(busy.future().result(std::chrono::duration<double>(0.0005)), TimeoutError);
  EXPECT_THROW(busy.future().result(std::chrono::duration<double>(NAN)), std::invalid_argument);
}

TYPED_TEST(FutureConformance, FUT_13_a_callback_reads_value_error_and_cancellation) {
  auto pool = TypeParam::make(1);
  int value = 0;
  pool.submit(square, 3).add_done_callback([&](const Future<int>& f) { value = f.result(); });
  bool failed = false;
  pool.submit(throw_out_of_range, 1).add_done_callback([&](const Future<int>& f) {
    failed = f.exception() != nullptr;
  });
  bool cancelled = false;
  if constexpr (!TypeParam::kRunsInSubmit) {
    BusyWorker busy(pool);
    auto pending = pool.submit(square, 3);
    pending.add_done_callback([&](const Future<int>& f) { cancelled = f.cancelled(); });
    pending.cancel();
    EXPECT_TRUE(cancelled);
  }
  pool.shutdown();
  EXPECT_EQ(value, 9);
  EXPECT_TRUE(failed);
}

TYPED_TEST(FutureConformance, FUT_14_cancel_runs_the_callbacks_itself) {
  if (TypeParam::kRunsInSubmit) SKIP_ROW(kSequentialNeverPending);
  auto pool = TypeParam::make(1);
  BusyWorker busy(pool);
  auto pending = pool.submit(square, 3);
  std::thread::id ran_in;
  pending.add_done_callback([&](const Future<int>&) { ran_in = std::this_thread::get_id(); });
  EXPECT_TRUE(pending.cancel());
  EXPECT_EQ(ran_in, std::this_thread::get_id());
}

TYPED_TEST(FutureConformance, FUT_16_a_callback_of_a_done_future_runs_at_once_here) {
  auto pool = TypeParam::make();
  const auto run_here = [](const auto& future) {
    std::thread::id ran_in;
    future.add_done_callback([&](const AnyFuture&) { ran_in = std::this_thread::get_id(); });
    return ran_in == std::this_thread::get_id();
  };
  auto finished = pool.submit(square, 3);
  finished.exception();
  EXPECT_TRUE(run_here(finished));
  auto failed = pool.submit(throw_out_of_range, 3);
  failed.exception();
  EXPECT_TRUE(run_here(failed));
}

TYPED_TEST(FutureConformance, FUT_18_callbacks_run_in_the_order_they_were_added) {
  if (TypeParam::kRunsInSubmit) SKIP_ROW(kSequentialNeverPending);
  auto pool = TypeParam::make(1);
  std::vector<int> order;
  {
    Event may_end;
    auto future = pool.submit(return_when, may_end.name(), 1);
    for (int i = 0; i < 5; ++i) {
      future.add_done_callback([&order, i](const Future<int>&) { order.push_back(i); });
    }
    may_end.set();
    pool.shutdown();
  }
  EXPECT_THAT(order, ::testing::ElementsAre(0, 1, 2, 3, 4));
}

TYPED_TEST(FutureConformance, FUT_19_waiters_are_released_before_callbacks_and_shutdown_after) {
  if (TypeParam::kRunsInSubmit) SKIP_ROW(kSequentialNeverPending);
  auto pool = TypeParam::make(1);
  Event may_end;
  Event result_was_read;
  const int test_thread = this_thread_id();
  std::atomic<bool> callback_ended{false};
  auto future = pool.submit(return_when, may_end.name(), 42);
  future.add_done_callback([&](const Future<int>&) {
    result_was_read.wait();
    await_sleep_of(test_thread);
    callback_ended = true;
  });
  may_end.set();
  EXPECT_EQ(future.result(), 42);
  result_was_read.set();
  pool.shutdown();
  EXPECT_TRUE(callback_ended);
}

int throw_an_int() { throw 42; }

TYPED_TEST(FutureConformance, FUT_25_whatever_is_thrown_is_captured) {
  auto pool = TypeParam::make(1);
  auto future = pool.submit(throw_an_int);
  if constexpr (TypeParam::kSharesMemory) {
    EXPECT_THROW(future.result(), int);
  } else {
    // Its type name is all that can cross for certain.
    EXPECT_THROW_WITH(future.result(), RemoteError, "int");
  }
  EXPECT_EQ(pool.submit(square, 3).result(), 9);
}

TYPED_TEST(FutureConformance, FUT_27_the_text_form_tells_state_and_type) {
  auto pool = TypeParam::make(1);
  auto finished = pool.submit(square, 3);
  finished.exception();
  EXPECT_THAT(fmt::format("{}", finished),
              ::testing::MatchesRegex("<Future at 0x[0-9a-f]+ state=finished returned int>"));
  auto failed = pool.submit(throw_out_of_range, 3);
  failed.exception();
  EXPECT_THAT(to_string(failed), ::testing::HasSubstr("state=finished raised std::out_of_range>"));
  if constexpr (!TypeParam::kRunsInSubmit) {
    BusyWorker busy(pool);
    auto pending = pool.submit(square, 3);
    EXPECT_THAT(to_string(busy.future()), ::testing::HasSubstr("state=running>"));
    EXPECT_THAT(to_string(pending), ::testing::HasSubstr("state=pending>"));
    pending.cancel();
    EXPECT_THAT(to_string(pending), ::testing::HasSubstr("state=cancelled>"));
  }
}

TYPED_TEST(FutureConformance, FUT_28_one_call_tells_state_value_and_error) {
  auto pool = TypeParam::make(1);
  auto finished = pool.submit(square, 3);
  finished.exception();
  const auto returned = finished.snapshot();
  EXPECT_EQ(returned.status, FutureStatus::Finished);
  ASSERT_NE(returned.value, nullptr);
  EXPECT_EQ(*returned.value, 9);
  EXPECT_EQ(returned.exception, nullptr);

  auto failed = pool.submit(throw_out_of_range, 3);
  EXPECT_TRUE(failed.exception());
  const auto raised = failed.snapshot();
  EXPECT_EQ(raised.status, FutureStatus::Finished);
  EXPECT_EQ(raised.value, nullptr);
  EXPECT_EQ(raised.exception, failed.exception());
  if constexpr (!TypeParam::kRunsInSubmit) {
    BusyWorker busy(pool);
    EXPECT_EQ(busy.future().snapshot().status, FutureStatus::Running);
    auto pending = pool.submit(square, 3);
    EXPECT_EQ(pending.snapshot().status, FutureStatus::Pending);
    pending.cancel();
    EXPECT_EQ(pending.snapshot().status, FutureStatus::Cancelled);
    EXPECT_EQ(pending.snapshot().value, nullptr);
    EXPECT_EQ(pending.snapshot().exception, nullptr);
  }
}

TYPED_TEST(FutureConformance, FUT_29_futures_are_set_elements_by_identity) {
  auto pool = TypeParam::make();
  auto a = pool.submit(square, 3);
  auto b = pool.submit(square, 3);
  const auto also_a = a;
  EXPECT_EQ(a, also_a);
  EXPECT_NE(a, b);
  EXPECT_EQ((std::set<Future<int>>{a, b, also_a}.size()), 2U);
  EXPECT_EQ((std::unordered_set<Future<int>>{a, b, also_a}.size()), 2U);
  EXPECT_EQ((std::unordered_set<AnyFuture>{a, b, also_a}.size()), 2U);
}

}  // namespace
}  // namespace poolmark::test
