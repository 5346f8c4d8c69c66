#include <list>

#include "waiting_tasks.hpp"

// Waits of workers that can end, if late: none of them is refused.
namespace poolmark::test {
namespace {

TEST(NoDeadlock, a_pool_that_can_still_start_a_worker_does) {
  ThreadPoolExecutor pool(without_run_in_place(2));
  EXPECT_EQ(pool.submit([&] { return pool.submit(square, 5).result(); }).result(), 25);
}

TEST(NoDeadlock, a_promise_may_be_kept_by_any_thread) {
  ThreadPoolExecutor pool(1);
  Promise<int> promise;
  Mailbox sleeper;
  auto task = pool.submit([&, box = sleeper.name()] {
    announce(box);
    return promise.get_future().result();
  });
  await_sleep_of(sleeper.receive());
  promise.set_result(7);
  EXPECT_EQ(task.result(), 7);
}

TEST(NoDeadlock, a_wait_for_any_goes_on_if_one_can) {
  ThreadPoolExecutor pool(without_run_in_place(1));
  Mailbox sleeper;
  for (const bool waits : {true, false}) {
    Promise<int> from_outside;
    auto task = pool.submit([&, box = sleeper.name()] {
      const std::vector futures{pool.submit(square, 2), from_outside.get_future()};
      announce(box);
      if (!waits) return as_completed(futures).begin()->result();
      wait(futures, {.return_when = ReturnWhen::FirstCompleted});
      return futures[1].result();
    });
    await_sleep_of(sleeper.receive());
    from_outside.set_result(7);
    EXPECT_EQ(task.result(), 7);
  }
}

TEST(NoDeadlock, a_wait_that_others_end_by_cancelling_is_forgotten) {
  ThreadPoolExecutor pool(without_run_in_place(2));
  BusyWorker busy(pool);  // waits for an event, and nobody knows
  Promise<Future<int>> behind;
  Mailbox sleeper;
  auto outer = pool.submit([&, box = sleeper.name()] {
    behind.set_result(pool.submit(square, 5));
    announce(box);
    behind.get_future().result().result();
  });
  await_sleep_of(sleeper.receive());
  EXPECT_TRUE(behind.get_future().result().cancel());
  EXPECT_THROW(outer.result(), CancelledError);
  busy.release();
  EXPECT_EQ(pool.submit([&] { return pool.submit(square, 5).result(); }).result(), 25);
}

TEST(NoDeadlock, a_circle_with_a_timeout_in_it_ends_by_itself) {
  ThreadPoolExecutor pool(without_run_in_place(2));
  Promise<Future<int>> a_handle;
  Promise<Future<int>> b_handle;
  auto a = pool.submit([b = b_handle.get_future()] { return b.result().result() + 1; });
  auto b = pool.submit([a = a_handle.get_future()] {
    EXPECT_THROW(a.result().result(10ms), TimeoutError);
    return 1;
  });
  a_handle.set_result(a);
  b_handle.set_result(b);
  EXPECT_EQ(a.result(), 2);
}

TEST(NoDeadlock, a_chain_of_waits_through_many_pools_goes_on_from_its_end) {
  // Each pool's only worker waits for a task of the next, and the last one for the test.
  std::list<ThreadPoolExecutor> pools;
  Promise<int> end;
  Mailbox sleeper;
  Future<int> last = end.get_future();
  for (int i = 0; i < 20; ++i) {
    last = pools.emplace_back(1).submit([last, box = sleeper.name()] {
      announce(box);
      return last.result() + 1;
    });
    await_sleep_of(sleeper.receive());
  }
  end.set_result(0);
  EXPECT_EQ(last.result(), 20);
}

TEST(NoDeadlock, a_way_out_that_is_found_late_counts_for_who_was_looked_at_before) {
  // All waits for both, and comes to the circle of `any` and `back` before it sees the promise.
  ThreadPoolExecutor any_pool(1);
  ThreadPoolExecutor back_pool(1);
  ThreadPoolExecutor all_pool(1);
  Promise<int> way_out;
  Promise<Future<int>> back_handle;
  Mailbox sleeper;
  auto any = any_pool.submit([&, box = sleeper.name()] {
    const std::vector futures{back_handle.get_future().result(), way_out.get_future()};
    announce(box);
    wait(futures, {.return_when = ReturnWhen::FirstCompleted});
    return 1;
  });
  auto back = back_pool.submit([any, box = sleeper.name()] {
    announce(box);
    return any.result() + 1;
  });
  await_sleep_of(sleeper.receive());
  back_handle.set_result(back);
  await_sleep_of(sleeper.receive());
  auto all = all_pool.submit([any, back, box = sleeper.name()] {
    announce(box);
    wait(std::vector{any, back});
    return any.result() + back.result();
  });
  await_sleep_of(sleeper.receive());
  way_out.set_result(0);
  EXPECT_EQ(all.result(), 3);
}

TEST(NoDeadlock, pools_in_layers_are_never_told_of_one) {
  for (const bool in_place : {true, false}) {
    for (int workers = 1; workers <= 4; ++workers) {
      ThreadPoolExecutor outer({.max_workers = workers, .run_in_place = in_place});
      ThreadPoolExecutor inner({.max_workers = workers, .run_in_place = in_place});
      std::vector<Future<int>> sums;
      for (int i = 0; i < 500; ++i) sums.push_back(outer.submit(sum_in, std::ref(inner), i));
      for (const auto& sum : sums) EXPECT_EQ(sum.result(), 6);
    }
  }
}

TEST(NoDeadlock, fewer_waiting_tasks_than_workers_are_never_told_of_one) {
  for (int workers = 2; workers <= 4; ++workers) {
    ThreadPoolExecutor pool(without_run_in_place(workers));
    for (int round = 0; round < 300; ++round) {
      std::vector<Future<int>> sums;
      for (int i = 1; i < workers; ++i) {
        sums.push_back(pool.submit(sum_in, std::ref(pool), round + i));
      }
      for (const auto& sum : sums) EXPECT_EQ(sum.result(), 6);
    }
  }
}

TEST(NoDeadlock, in_a_full_pool_whoever_cannot_go_on_is_told_and_the_rest_completes) {
  for (int workers = 1; workers <= 4; ++workers) {
    ThreadPoolExecutor pool(without_run_in_place(workers));
    std::vector<Future<int>> sums;
    for (int i = 0; i < 500; ++i) sums.push_back(pool.submit(sum_in, std::ref(pool), i));
    for (const auto& sum : sums) {
      try {
        EXPECT_EQ(sum.result(), 6);
      } catch (const DeadlockError&) {
      }
    }
  }
}

}  // namespace
}  // namespace poolmark::test
