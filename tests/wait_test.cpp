#include "poolmark/wait.hpp"

#include <malloc.h>

#include <list>
#include <set>
#include <thread>

#include "executors.hpp"

// wait(), as_completed() and CompletionSet over futures that the test completes itself.
namespace poolmark::test {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class Futures : public ::testing::Test {
 protected:
  std::vector<Promise<int>> promises_{4};
  std::vector<Future<int>> futures_ = [this] {
    std::vector<Future<int>> futures;
    for (auto& promise : promises_) futures.push_back(promise.get_future());
    return futures;
  }();
};
using WaitTest = Futures;
using AsCompletedTest = Futures;
using CompletionSetTest = Futures;

TEST_F(WaitTest, WAIT_09_an_empty_input_returns_at_once_in_every_mode) {
  for (const auto mode :
       {ReturnWhen::AllCompleted, ReturnWhen::FirstCompleted, ReturnWhen::FirstException}) {
    const auto [done, not_done] = wait(std::vector<Future<int>>{}, {.return_when = mode});
    EXPECT_THAT(done, IsEmpty());
    EXPECT_THAT(not_done, IsEmpty());
  }
}

TEST_F(WaitTest, WAIT_01_any_range_of_handles_will_do) {
  promises_[0].set_result(1);
  promises_[1].set_result(2);
  const std::set<Future<int>> as_set{futures_[0], futures_[1]};
  EXPECT_EQ(wait(as_set).done.size(), 2U);
  EXPECT_EQ(wait(std::list{futures_[0]}).done.size(), 1U);
  const Future<int> as_array[] = {futures_[0], futures_[1]};
  EXPECT_EQ(wait(as_array).done.size(), 2U);
  auto done_ones =
      futures_ | std::views::filter([](const Future<int>& future) { return future.done(); });
  EXPECT_EQ(wait(done_ones).done.size(), 2U);
}

TEST_F(WaitTest, WAIT_01_a_repeated_future_keeps_its_first_place) {
  const auto& f = futures_;
  promises_[0].set_result(1);
  const auto [done, not_done] =
      wait(std::vector{f[2], f[0], f[2], f[1], f[0], f[1]}, {.timeout = 0s});
  EXPECT_THAT(done, ElementsAre(f[0]));
  EXPECT_THAT(not_done, ElementsAre(f[2], f[1]));
}

TEST_F(WaitTest, WAIT_02_first_completed_sees_all_that_were_done_before_it_was_called) {
  promises_[1].set_result(1);
  promises_[3].set_result(1);
  const auto [done, not_done] = wait(futures_, {.return_when = ReturnWhen::FirstCompleted});
  EXPECT_THAT(done, ElementsAre(futures_[1], futures_[3]));
  EXPECT_THAT(not_done, ElementsAre(futures_[0], futures_[2]));
}

TEST_F(WaitTest, WAIT_05_an_early_failure_does_not_hide_behind_values) {
  std::jthread setter([&, test = this_thread_id()] {
    await_sleep_of(test);
    promises_[2].set_result(1);
    promises_[1].set_exception(std::make_exception_ptr(std::out_of_range("")));
  });
  const auto [done, not_done] = wait(futures_, {.return_when = ReturnWhen::FirstException});
  EXPECT_THAT(done, ElementsAre(futures_[1], futures_[2]));
}

TEST_F(WaitTest, WAIT_05_values_alone_do_not_end_a_wait_for_an_exception) {
  std::jthread setter([&, test = this_thread_id()] {
    for (auto& promise : promises_) {
      await_sleep_of(test);
      promise.set_result(1);
    }
  });
  EXPECT_EQ(wait(futures_, {.return_when = ReturnWhen::FirstException}).done, futures_);
}

TEST_F(WaitTest, two_threads_may_wait_for_the_same_futures) {
  const Mailbox sleeper;
  std::jthread other([&] {
    sleeper.name().post(this_thread_id());
    EXPECT_EQ(wait(futures_).done, futures_);
  });
  std::jthread setter([&, test = this_thread_id(), other_thread = sleeper.receive()] {
    await_sleep_of(other_thread);
    await_sleep_of(test);
    for (auto& promise : promises_) promise.set_result(1);
  });
  EXPECT_EQ(wait(futures_).done, futures_);
}

TEST_F(AsCompletedTest, ASC_01_the_order_is_that_of_completion) {
  promises_[2].set_result(0);
  std::vector<Future<int>> order;
  for (auto& future : as_completed(futures_)) {
    order.push_back(future);
    if (order.size() == 1) {
      promises_[3].set_result(0);
      promises_[0].set_result(0);
      promises_[1].set_result(0);
    }
  }
  EXPECT_THAT(order, ElementsAre(futures_[2], futures_[3], futures_[0], futures_[1]));
}

TEST_F(AsCompletedTest, ASC_03_the_iteration_may_be_taken_up_behind_a_timeout) {
  promises_[1].set_result(0);
  auto range = as_completed(futures_, {.timeout = 0s});
  auto it = range.begin();
  EXPECT_EQ(*it, futures_[1]);
  EXPECT_THROW(++it, TimeoutError);
  EXPECT_TRUE(it == range.end());
  promises_[3].set_result(0);
  EXPECT_EQ(*range.begin(), futures_[3]);
}

TEST_F(CompletionSetTest, gives_futures_in_the_order_of_completion) {
  CompletionSet<Future<int>> set;
  for (const auto& future : futures_) set.add(future);
  EXPECT_EQ(set.size(), 4U);
  promises_[2].set_result(0);
  promises_[0].set_result(0);
  EXPECT_EQ(set.next(), futures_[2]);
  EXPECT_EQ(set.next(), futures_[0]);
  EXPECT_EQ(set.size(), 2U);
}

TEST_F(CompletionSetTest, takes_futures_while_others_come_out) {
  CompletionSet<Future<int>> set;
  EXPECT_TRUE(set.empty());
  EXPECT_EQ(set.next(), std::nullopt);
  for (int round = 0; round < 100; ++round) {
    Promise<int> promise;
    set.add(promise.get_future());
    set.add(futures_[0]);
    promise.set_result(round);
    ASSERT_EQ(set.next()->result(), round);
    if (round == 0) continue;
    EXPECT_EQ(set.size(), static_cast<std::size_t>(round) + 1);
  }
  promises_[0].set_result(0);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(set.next(), futures_[0]);
  EXPECT_TRUE(set.empty());
}

TEST_F(CompletionSetTest, next_throws_when_the_time_is_over_and_keeps_the_futures) {
  CompletionSet<Future<int>> set;
  set.add(futures_[0]);
  set.add(futures_[1]);
  try {
    set.next(0s);
    ADD_FAILURE() << "no TimeoutError";
  } catch (const TimeoutError& error) {
    EXPECT_EQ(error.unfinished, 2U);
  }
  promises_[1].set_result(1);
  EXPECT_EQ(set.next(0s), futures_[1]);
}

TEST_F(CompletionSetTest, a_blocked_next_wakes) {
  CompletionSet<> set;
  for (const auto& future : futures_) set.add(future);
  std::jthread setter([&, test = this_thread_id()] {
    for (auto& promise : promises_) {
      await_sleep_of(test);
      promise.set_result(1);
    }
  });
  for (const auto& future : futures_) EXPECT_EQ(set.next(), future);
}

TEST_F(CompletionSetTest, may_go_while_futures_are_pending) {
  {
    CompletionSet<Future<int>> set;
    for (const auto& future : futures_) set.add(future);
  }
  for (auto& promise : promises_) promise.set_result(1);
}

TEST_F(CompletionSetTest, WAIT_12_sets_leave_a_future_in_any_order) {
  const auto waiting_for_it = [&] {
    auto set = std::make_unique<CompletionSet<Future<int>>>();
    set->add(futures_[0]);
    return set;
  };
  const auto oldest = waiting_for_it();
  auto middle = waiting_for_it();
  auto newest = waiting_for_it();
  newest.reset();
  middle.reset();
  const auto later = waiting_for_it();  // perhaps in the memory of those that are gone
  promises_[0].set_result(0);
  EXPECT_EQ(oldest->next(0s), futures_[0]);
  EXPECT_EQ(later->next(0s), futures_[0]);
}

TEST_F(CompletionSetTest, lets_go_of_what_it_gave) {
  CompletionSet<Future<int>> set;
  Promise<int> promise;
  set.add(promise.get_future());
  promise.set_result(1);
  const auto taken = set.next();
  ASSERT_TRUE(taken);
  promise = Promise<int>();
  EXPECT_TRUE(taken->state()->is_unique());
}

/// Bytes of the heap in use; 0 under a sanitizer, which keeps no such count.
std::size_t heap_in_use() {
  const auto heap = mallinfo2();
  return heap.uordblks + heap.hblkhd;  // in large blocks, which have mappings of their own
}

/// What so many uses of a thing may leave behind: less than a pointer each.
constexpr int kManyTimes = 100'000;
constexpr std::size_t kAlmostNothing = std::size_t{1} << 19;

TEST_F(CompletionSetTest, WAIT_12_its_memory_does_not_grow_with_use) {
  if (heap_in_use() == 0) GTEST_SKIP() << "the sanitizer's heap does not say how full it is";
  CompletionSet<Future<int>> set;
  promises_[0].set_result(1);
  const std::size_t before = heap_in_use();
  for (int i = 0; i < kManyTimes; ++i) {
    set.add(futures_[0]);
    EXPECT_EQ(set.next(), futures_[0]);
  }
  EXPECT_LT(heap_in_use(), before + kAlmostNothing);
}

TEST_F(CompletionSetTest, WAIT_12_its_memory_does_not_grow_with_futures_that_it_had_to_wait_for) {
  if (heap_in_use() == 0) GTEST_SKIP() << "the sanitizer's heap does not say how full it is";
  CompletionSet<Future<int>> set;
  const std::size_t before = heap_in_use();
  for (int i = 0; i < kManyTimes; ++i) {
    Promise<int> promise;
    set.add(promise.get_future());
    promise.set_result(i);
    EXPECT_EQ(set.next()->result(), i);
  }
  EXPECT_LT(heap_in_use(), before + kAlmostNothing);
}

TEST_F(WaitTest, WAIT_12_polling_in_a_loop_does_not_grow_memory) {
  if (heap_in_use() == 0) GTEST_SKIP() << "the sanitizer's heap does not say how full it is";
  const std::size_t before = heap_in_use();
  for (int i = 0; i < kManyTimes; ++i) {
    ASSERT_EQ(wait(futures_, {.timeout = 0s}).not_done.size(), 4U);
  }
  EXPECT_LT(heap_in_use(), before + kAlmostNothing);
}

TEST(MixedWait, WAIT_01_waits_across_executors) {
  ThreadPoolExecutor a(1);
  ThreadPoolExecutor b(1);
  Event may_end;
  auto slow = a.submit(return_when, may_end.name(), 1);
  auto text = b.submit(repeat, std::string("x"), 2);
  const std::vector<AnyFuture> both{slow, text};
  EXPECT_THAT(wait(both, {.return_when = ReturnWhen::FirstCompleted}).done,
              ElementsAre(AnyFuture(text)));
  std::vector<AnyFuture> order;
  for (auto& future : as_completed(both)) {
    order.push_back(future);
    if (order.size() == 1) may_end.set();
  }
  EXPECT_THAT(order, ElementsAre(AnyFuture(text), AnyFuture(slow)));
}

}  // namespace
}  // namespace poolmark::test
