#include <list>
#include <memory>
#include <thread>

#include "executors.hpp"

// A task that waits for another of its own pool, and runs it in place. What happens where that is
// not possible is in deadlock_test.cpp.
namespace poolmark::test {
namespace {

using ::testing::ElementsAre;

/// Runs `body` in the only worker of a pool, so that nobody else could run what it submits.
template <class F>
auto in_pool_of_one(F body) {
  ThreadPoolExecutor pool(1);
  return pool.submit([&pool, &body] { return body(pool); }).result();
}

TEST(WaitingInWorker, TPE_07_a_pool_of_one_completes_a_task_that_waits_for_one_behind_it) {
  EXPECT_EQ(in_pool_of_one([](auto& pool) { return pool.submit(square, 5).result(); }), 25);
}

TEST(WaitingInWorker, TPE_07_every_wait_without_a_timeout_runs_what_it_waits_for) {
  EXPECT_EQ(in_pool_of_one([](auto& pool) { return pool.submit(square, 5).take(); }), 25);
  EXPECT_TRUE(in_pool_of_one(
      [](auto& pool) { return pool.submit(throw_out_of_range, 5).exception() != nullptr; }));
  EXPECT_EQ(in_pool_of_one([](auto& pool) {
              std::vector<Future<int>> futures;
              for (int i = 0; i < 10; ++i) futures.push_back(pool.submit(identity, i));
              return wait(futures).done.size();
            }),
            10U);
  EXPECT_EQ(in_pool_of_one([](auto& pool) {
              int sum = 0;
              for (const int value : pool.map(square, std::vector{1, 2, 3})) sum += value;
              return sum;
            }),
            14);
}

TEST(WaitingInWorker, MAP_25_an_unordered_map_is_run_by_the_only_worker_that_waits_for_it) {
  const auto sum_of = [](auto&& results) {
    int sum = 0;
    for (const int value : results) sum += value;
    return sum;
  };
  EXPECT_EQ(in_pool_of_one([&](auto& pool) {
              return sum_of(pool.map_unordered(square, std::vector{1, 2, 3}));
            }),
            14);
  EXPECT_EQ(in_pool_of_one([&](auto& pool) {
              return sum_of(pool.map_unordered(square, std::list{1, 2, 3}));
            }),
            14);
  EXPECT_EQ(in_pool_of_one([&](auto& pool) {
              return sum_of(pool.map_unordered({.buffersize = 2}, square, std::list{1, 2, 3}));
            }),
            14);
}

TEST(WaitingInWorker, WAIT_05_a_wait_for_an_exception_ends_with_the_first) {
  ThreadPoolExecutor pool(3);
  const Event may_end;
  const auto outer = pool.submit([&] {
    const std::vector futures{pool.submit(throw_out_of_range, 5),
                              pool.submit(return_when, may_end.name(), 42)};
    const auto parts = wait(futures, {.return_when = ReturnWhen::FirstException});
    may_end.set();
    return parts.not_done.size();
  });
  EXPECT_EQ(outer.result(), 1U);
}

TEST(WaitingInWorker, a_map_that_nobody_reads_ends_in_a_pool_of_one) {
  const std::vector<int> inputs{1, 2, 3};
  std::atomic<int> ran{0};
  in_pool_of_one([&](auto& pool) { static_cast<void>(pool.map([&](int) { ++ran; }, inputs)); });
  EXPECT_EQ(ran, 3);
}

TEST(WaitingInWorker, it_runs_in_the_thread_that_waits_and_in_the_order_of_submission) {
  std::vector<int> order;
  const bool same_thread = in_pool_of_one([&](auto& pool) {
    std::vector<Future<std::thread::id>> futures;
    for (int i = 0; i < 3; ++i) {
      futures.push_back(pool.submit([&order, i] {
        order.push_back(i);
        return std::this_thread::get_id();
      }));
    }
    wait(futures);
    return std::ranges::all_of(
        futures, [](const auto& f) { return f.result() == std::this_thread::get_id(); });
  });
  EXPECT_TRUE(same_thread);
  EXPECT_THAT(order, ElementsAre(0, 1, 2));
}

TEST(WaitingInWorker, what_the_task_throws_reaches_the_one_that_waits) {
  ThreadPoolExecutor pool(1);
  auto outer = pool.submit([&] { return pool.submit(throw_out_of_range, 5).result(); });
  EXPECT_THROW_WITH(outer.result(), std::out_of_range, "no element 5");
}

TEST(WaitingInWorker, a_task_may_be_waited_for_while_it_runs_in_place) {
  ThreadPoolExecutor pool(1);
  Event begun;
  Event may_end;
  Promise<Future<int>> inner;
  auto outer = pool.submit([&] {
    auto future = pool.submit(hold_worker, begun.name(), may_end.name(), 7);
    inner.set_result(future);
    return future.result();
  });
  begun.wait();
  const Future<int> running = inner.get_future().result();
  EXPECT_TRUE(running.running());
  EXPECT_FALSE(running.cancel());
  std::jthread other([&] { EXPECT_EQ(running.result(), 7); });
  may_end.set();
  EXPECT_EQ(outer.result(), 7);
}

TEST(WaitingInWorker, a_callback_may_wait_too) {
  ThreadPoolExecutor pool(1);
  Promise<int> told;
  BusyWorker busy(pool);
  auto future = pool.submit(square, 3);
  future.add_done_callback(
      [&](const auto& done) { told.set_result(pool.submit(square, done.result()).result()); });
  busy.release();
  EXPECT_EQ(told.get_future().result(), 81);
}

TEST(WaitingInWorker, a_wait_with_a_timeout_runs_nothing) {
  ThreadPoolExecutor pool(1);
  auto outer = pool.submit([&] {
    auto behind = pool.submit(square, 5);
    EXPECT_THROW(behind.result(1ms), TimeoutError);
    EXPECT_THAT(wait(std::vector{behind}, {.timeout = 1ms}).not_done, ElementsAre(behind));
    return behind;
  });
  EXPECT_EQ(outer.result().result(), 25);
}

TEST(WaitingInWorker, a_task_of_another_pool_is_left_to_its_own_threads) {
  ThreadPoolExecutor pool(1);
  ThreadPoolExecutor other(1);
  auto outer = pool.submit([&] {
    const auto there = other.submit([] { return std::this_thread::get_id(); }).result();
    return there != std::this_thread::get_id();
  });
  EXPECT_TRUE(outer.result());
}

TEST(WaitingInWorker, a_cancelled_task_is_not_run) {
  ThreadPoolExecutor pool(1);
  auto outer = pool.submit([&] {
    auto behind = pool.submit(square, 5);
    EXPECT_TRUE(behind.cancel());
    return behind.result();
  });
  EXPECT_THROW(outer.result(), CancelledError);
}

/// How deep a chain of waits is: each link waits for the next, which it has submitted.
int chain(ThreadPoolExecutor& pool, int links) {
  if (links == 0) return 0;
  return 1 + pool.submit(chain, std::ref(pool), links - 1).result();
}

TEST(WaitingInWorker, sixty_four_tasks_run_within_each_other) {
  EXPECT_EQ(in_pool_of_one([](auto& pool) { return chain(pool, 64); }), 64);
}

TEST(WaitingInWorker, a_deeper_chain_is_an_error_that_every_link_sees) {
  ThreadPoolExecutor pool({.max_workers = 1, .thread_name_prefix = "deep"});
  for (const int links : {65, 100}) {
    EXPECT_THROW_WITH(pool.submit(chain, std::ref(pool), links).result(), DeadlockError,
                      "stands in the queue of a thread pool (prefix \"deep\")");
  }
  EXPECT_EQ(pool.submit(chain, std::ref(pool), 64).result(), 64);
}

TEST(WaitingInWorker, the_entries_that_stay_behind_do_not_pile_up_in_the_queue) {
  const int held_by_the_queue = in_pool_of_one([](auto& pool) {
    std::vector<Future<int>> futures;
    for (int i = 0; i < 1000; ++i) futures.push_back(pool.submit(identity, i));
    wait(futures);
    int held = 0;
    for (const auto& future : futures) held += future.state()->is_held() ? 1 : 0;
    return held;
  });
  EXPECT_LT(held_by_the_queue, 130);
}

/// A value whose end needs the pool's queue.
struct SubmitsAtItsEnd {
  explicit SubmitsAtItsEnd(ThreadPoolExecutor& its_pool) : pool(&its_pool) {}
  SubmitsAtItsEnd(SubmitsAtItsEnd&& other) noexcept : pool(std::exchange(other.pool, nullptr)) {}
  ~SubmitsAtItsEnd() {
    if (pool == nullptr) return;
    try {
      pool->submit(do_nothing);
    } catch (const ShutdownError&) {
      // The queue kept it until the end of the pool.
    }
  }
  ThreadPoolExecutor* pool;
};

TEST(WaitingInWorker, a_value_that_only_the_queue_still_keeps_ends_under_no_lock) {
  in_pool_of_one([](auto& pool) {
    for (int i = 0; i < 500; ++i) {
      EXPECT_EQ(pool.submit([&pool] { return SubmitsAtItsEnd(pool); }).exception(), nullptr);
    }
  });
}

TEST(WaitingInWorker, a_value_that_only_the_queue_still_keeps_ends_with_the_pool) {
  std::weak_ptr<int> value;
  in_pool_of_one(
      [&](auto& pool) { value = pool.submit([] { return std::make_shared<int>(3); }).result(); });
  EXPECT_TRUE(value.expired());
}

TEST(WaitingInWorker, a_pool_that_breaks_leaves_the_task_that_runs_in_place_alone) {
  Event inner_runs;
  std::atomic<bool> is_second{false};
  ThreadPoolExecutor pool({.max_workers = 2, .initializer = [&] {
                             if (!is_second.exchange(true)) return;
                             inner_runs.wait();
                             throw std::out_of_range("the second worker");
                           }});
  auto outer = pool.submit([&] {
    Promise<Future<int>> behind;
    auto inner = pool.submit([&] {
      const Future<int> last = behind.get_future().result();
      inner_runs.set();
      // The breaking pool takes it out of the queue behind this one. A timeout: it is not to run.
      EXPECT_THROW(last.result(1h), BrokenThreadPool);
      return 7;
    });
    behind.set_result(pool.submit(square, 1));
    return inner.result();
  });
  EXPECT_EQ(outer.result(), 7);
}

TEST(WaitingInWorker, a_task_that_ends_its_thread_in_place_ends_the_one_that_waits_too) {
  ThreadPoolExecutor pool(1);
  Promise<Future<void>> inner;
  auto outer = pool.submit([&] {
    auto ends = pool.submit([] { pthread_exit(nullptr); });
    inner.set_result(ends);
    ends.result();
  });
  EXPECT_THROW_WITH(outer.result(), Error, "the thread that ran the task was ended");
  EXPECT_THROW_WITH(inner.get_future().result().result(), Error,
                    "the thread that ran the task was ended");
  EXPECT_EQ(pool.submit(square, 3).result(), 9);
}

int fibonacci(ThreadPoolExecutor& pool, int n) {
  if (n < 2) return n;
  auto left = pool.submit(fibonacci, std::ref(pool), n - 1);
  auto right = pool.submit(fibonacci, std::ref(pool), n - 2);
  if (n % 2 == 0) wait(std::vector{left, right});
  return right.result() + left.result();
}

TEST(WaitingInWorker, trees_of_tasks_that_wait_complete_in_pools_of_every_size) {
  for (int workers = 1; workers <= 4; ++workers) {
    for (int round = 0; round < 10; ++round) {
      ThreadPoolExecutor pool(workers);
      EXPECT_EQ(pool.submit(fibonacci, std::ref(pool), 14).result(), 377);
    }
  }
}

}  // namespace
}  // namespace poolmark::test
