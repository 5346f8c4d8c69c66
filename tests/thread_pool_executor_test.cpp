#include "poolmark/thread_pool_executor.hpp"

#include <pthread.h>
#include <sched.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <filesystem>
#include <latch>
#include <memory>
#include <set>
#include <thread>

#include "executors.hpp"
#include "meeting.hpp"

// What only the thread pool does; what it shares with the others is in *_conformance_test.cpp.
namespace poolmark::test {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;

std::string name_of_this_thread() {
  std::array<char, 16> name{};
  pthread_getname_np(pthread_self(), name.data(), name.size());
  return name.data();
}

TEST(ThreadPoolExecutor, TPE_02_threads_start_on_demand) {
  const NewThreads since;
  ThreadPoolExecutor pool(8);
  EXPECT_EQ(since.count(), 0);
  pool.submit(square, 1).result();
  EXPECT_EQ(since.count(), 1);
}

TEST(ThreadPoolExecutor, TPE_02_never_more_threads_than_max_workers) {
  const NewThreads since;
  ThreadPoolExecutor pool(3);
  Event may_end;
  for (int i = 0; i < 50; ++i) pool.submit(return_when, may_end.name(), i);
  EXPECT_EQ(since.count(), 3);
  may_end.set();
}

TEST(ThreadPoolExecutor, TPE_02_a_thread_that_is_called_starts_none_beyond_max_workers) {
  std::atomic<int> threads{0};
  ThreadPoolExecutor pool({.max_workers = 1, .initializer = [&] { ++threads; }});
  Event may_end;
  pool.submit([&] {
    may_end.wait();
    pthread_exit(nullptr);
  });
  // More than one waits for the thread that takes its place, which would call another for the rest.
  pool.submit(square, 1);
  pool.submit(square, 2);
  may_end.set();
  pool.shutdown();
  EXPECT_EQ(threads, 2);
}

TEST(ThreadPoolExecutor, TPE_03_an_idle_thread_is_used_before_a_new_one_starts) {
  const NewThreads since;
  ThreadPoolExecutor pool(8);
  for (int i = 0; i < 20; ++i) {
    await_sleep_of(pool.submit(this_thread_id).result());
  }
  EXPECT_EQ(since.count(), 1);
}

TEST(ThreadPoolExecutor, TPE_03_no_wake_is_lost_while_the_worker_goes_to_sleep) {
  ThreadPoolExecutor pool(1);
  for (int i = 0; i < 50'000; ++i) {
    auto future = pool.submit(identity, i);
    // Looking instead of sleeping, so that the next submit comes while the worker goes to sleep,
    // each time at another point of its way.
    for (int looks = 0; looks < 20'000 && !future.done(); ++looks) {
    }
    for (std::atomic<int> delay{0}; delay < i % 100; ++delay) {
    }
    ASSERT_EQ(future.result(kWatchdog), i);
  }
}

TEST(ThreadPoolExecutor, TPE_02_workers_that_were_woken_start_the_rest) {
  for (int trial = 0; trial < 10; ++trial) {
    ThreadPoolExecutor pool(64);
    meet(pool, 32);
    meet(pool, 64);  // all of them wait before the last of the 32 is awake
  }
}

TEST(ThreadPoolExecutor, TPE_04_threads_have_the_prefix_and_a_number) {
  ThreadPoolExecutor pool({.max_workers = 1, .thread_name_prefix = "io"});
  EXPECT_EQ(pool.submit(name_of_this_thread).result(), "io-0");
}

TEST(ThreadPoolExecutor, TPE_04_a_long_prefix_is_cut_and_the_number_stays) {
  ThreadPoolExecutor pool({.max_workers = 2, .thread_name_prefix = "a-prefix-that-is-long"});
  const auto tell = [](std::latch* both) {
    both->arrive_and_wait();
    return name_of_this_thread();
  };
  std::latch both{2};
  auto first = pool.submit(tell, &both);
  auto second = pool.submit(tell, &both);
  const std::set<std::string> names{first.result(), second.result()};
  EXPECT_EQ(names, (std::set<std::string>{"a-prefix-that-0", "a-prefix-that-1"}));
}

TEST(ThreadPoolExecutor, TPE_04_pools_without_a_prefix_have_one_of_their_own) {
  ThreadPoolExecutor a(1);
  ThreadPoolExecutor b(1);
  const std::string name_in_a = a.submit(name_of_this_thread).result();
  const std::string name_in_b = b.submit(name_of_this_thread).result();
  EXPECT_THAT(name_in_a, StartsWith("pool"));
  EXPECT_THAT(name_in_a, EndsWith("-0"));
  EXPECT_NE(name_in_a, name_in_b);
}

TEST(ThreadPoolExecutor, a_callback_keeps_a_handle_until_it_has_been_called) {
  ThreadPoolExecutor pool(1);
  Event may_end;
  const auto future = pool.submit([&] { may_end.name().wait(); });
  EXPECT_TRUE(future.state()->is_unique());
  // Else the last handle could go while the callback is given one, and that would go last too.
  bool was_unique = true;
  future.add_done_callback([&](const auto& done) { was_unique = done.state()->is_unique(); });
  EXPECT_FALSE(future.state()->is_unique());
  may_end.set();
  pool.shutdown();
  EXPECT_FALSE(was_unique);
  EXPECT_TRUE(future.state()->is_unique());
}

TEST(ThreadPoolExecutor, FUT_25_a_task_that_ends_its_thread_leaves_an_error) {
  ThreadPoolExecutor pool(2);
  auto future = pool.submit([] { pthread_exit(nullptr); });
  EXPECT_THROW_WITH(future.result(), Error, "the thread that ran the task was ended");
}

TEST(ThreadPoolExecutor, FUT_25_a_task_that_ends_its_thread_does_not_cost_the_pool_a_worker) {
  ThreadPoolExecutor pool(1);
  std::vector<Future<int>> futures;
  for (int round = 0; round < 3; ++round) {
    pool.submit([] { pthread_exit(nullptr); });
    futures.push_back(pool.submit(square, round));
  }
  pool.shutdown();
  for (const auto& future : futures) EXPECT_TRUE(future.done());
}

TEST(ThreadPoolExecutor, INI_02_an_initializer_that_ends_its_thread_breaks_the_pool) {
  ThreadPoolExecutor pool({.max_workers = 2, .initializer = [] { pthread_exit(nullptr); }});
  auto future = pool.submit(square, 1);
  EXPECT_THROW_WITH(future.result(), BrokenThreadPool, "ended the thread");
  EXPECT_THROW(pool.submit(square, 1), BrokenThreadPool);
}

TEST(ThreadPoolExecutor, INI_02_what_a_broken_pool_has_never_run_lets_go_of_its_arguments) {
  auto held = std::make_shared<int>(3);
  const std::weak_ptr<int> argument = held;
  Event may_fail;
  ThreadPoolExecutor pool({.max_workers = 1, .initializer = [&] {
                             may_fail.wait();
                             throw std::out_of_range("the only worker");
                           }});
  const auto future = pool.submit([held = std::move(held)] { return *held; });
  may_fail.set();
  EXPECT_THROW(future.result(), BrokenThreadPool);
  EXPECT_TRUE(argument.expired());
}

TEST(ThreadPoolExecutor, EXE_07_a_value_whose_future_went_first_is_let_go_of) {
  for (const bool has_callback : {false, true}) {
    std::weak_ptr<int> value;
    bool ran = false;
    {
      ThreadPoolExecutor pool(1);
      const BusyWorker busy(pool);
      const auto future = pool.submit([&] {
        ran = true;
        auto made = std::make_shared<int>(3);
        value = made;
        return made;
      });
      if (has_callback) future.add_done_callback([](const AnyFuture&) {});
    }
    EXPECT_TRUE(ran);
    EXPECT_TRUE(value.expired()) << (has_callback ? "with" : "without") << " a callback";
  }
}

TEST(ThreadPoolExecutor, EXE_01_a_task_may_submit_to_its_own_pool) {
  ThreadPoolExecutor pool(1);
  auto inner = pool.submit([&pool] { return pool.submit(square, 5); });
  EXPECT_EQ(std::move(inner).take().result(), 25);
}

TEST(ThreadPoolExecutor, TPE_07_a_started_task_hides_no_task_that_another_worker_could_take) {
  ThreadPoolExecutor pool(2);
  // The first waits for the third; the second worker must come to it.
  Event third_ran;
  auto first = pool.submit(return_when, third_ran.name(), 1);
  pool.submit(do_nothing);
  pool.submit([event = third_ran.name()] { event.set(); });
  EXPECT_EQ(first.result(), 1);
}

void stay_on(int cpu) {
  cpu_set_t only;
  CPU_ZERO(&only);
  CPU_SET(static_cast<unsigned>(cpu), &only);
  sched_setaffinity(0, sizeof only, &only);
}

TEST(ThreadPoolExecutor, TPE_07_who_looks_for_tasks_and_takes_one_of_two_calls_for_the_other) {
  ThreadPoolExecutor pool(2);
  const int cpu = sched_getcpu();
  std::latch both{2};
  const auto settle = [&] {
    both.arrive_and_wait();
    stay_on(cpu);
    return this_thread_id();
  };
  auto one = pool.submit(settle);
  auto other = pool.submit(settle);
  const int threads[] = {one.result(), other.result()};
  std::jthread([&] {
    // Where a worker that looks for tasks comes to none before there are two.
    stay_on(cpu);
    for (int trial = 0; trial < 20; ++trial) {
      Event second_ran;
      for (const int thread : threads) await_sound_sleep_of(thread);
      // Who runs this looks for more, a moment long, and is relied upon.
      pool.submit(do_nothing).result();
      auto first = pool.submit(return_when, second_ran.name(), trial);
      pool.submit([event = second_ran.name()] { event.set(); });
      EXPECT_EQ(first.result(), trial);
    }
  }).join();
}

TEST(ThreadPoolExecutor, TPE_07_a_long_task_behind_short_ones_hides_no_task_either) {
  ThreadPoolExecutor pool(2);
  std::latch both{2};
  const auto meet = [&both] {
    both.arrive_and_wait();
    return this_thread_id();
  };
  auto one = pool.submit(meet);
  auto other = pool.submit(meet);
  const int threads[] = {one.result(), other.result()};
  // While tasks are short, one worker stays awake for all of them and is relied upon.
  for (int i = 0; i < 20'000; ++i) pool.submit(do_nothing);
  Event next_ran;
  Promise<int> taken_by;
  auto long_one = pool.submit([&] {
    taken_by.set_result(this_thread_id());
    next_ran.wait();
    return 1;
  });
  const int busy = taken_by.get_future().result();
  // The other has looked after it until then, and will be woken by nothing but a push.
  await_sound_sleep_of(busy == threads[0] ? threads[1] : threads[0]);
  pool.submit([&] { next_ran.set(); });
  EXPECT_EQ(long_one.result(), 1);
}

TEST(ThreadPoolExecutor, SHU_01_a_task_may_shut_its_own_pool_down) {
  ThreadPoolExecutor pool(2);
  pool.submit([&pool] { pool.shutdown(); }).result();
  EXPECT_THROW(pool.submit(square, 1), ShutdownError);
}

TEST(ThreadPoolExecutor, SHU_03_the_pool_may_be_destroyed_by_its_own_task) {
  auto pool = std::make_unique<ThreadPoolExecutor>(1);
  // Through the future: what the task did to `pool` is visible then.
  auto future = pool->submit([&pool] { pool.reset(); });
  future.result();
  EXPECT_EQ(pool, nullptr);
}

TEST(ThreadPoolExecutor, cancelled_tasks_do_not_pile_up_in_the_queue) {
  ThreadPoolExecutor pool(1);
  BusyWorker busy(pool);
  std::vector<Future<int>> futures;
  for (int i = 0; i < 1000; ++i) futures.push_back(pool.submit(square, i));
  for (auto& future : futures) EXPECT_TRUE(future.cancel());
  int held_by_the_queue = 0;
  for (const auto& future : futures) held_by_the_queue += future.state()->is_held() ? 1 : 0;
  EXPECT_LT(held_by_the_queue, 100);
}

TEST(ThreadPoolExecutor, sweeping_keeps_what_was_not_cancelled_in_its_order) {
  Mailbox order;
  std::vector<int> expected;
  {
    ThreadPoolExecutor pool(1);
    BusyWorker busy(pool);
    std::vector<Future<int>> futures;
    for (int i = 0; i < 500; ++i) futures.push_back(pool.submit(post, order.name(), i));
    for (int i = 0; i < 500; ++i) {
      if (i % 5 == 0) {
        expected.push_back(i);
      } else {
        EXPECT_TRUE(futures[static_cast<std::size_t>(i)].cancel());
      }
    }
  }
  EXPECT_EQ(order.size(), static_cast<int>(expected.size()));
  EXPECT_EQ(order.receive(static_cast<int>(expected.size())), expected);
}

TEST(ThreadPoolExecutor, many_producers_and_cancellers_lose_no_task) {
  constexpr int kProducers = 4;
  constexpr int kTasks = 2000;
  std::atomic<int> ran{0};
  std::atomic<int> cancelled{0};
  {
    ThreadPoolExecutor pool(3);
    std::vector<std::jthread> producers;
    for (int p = 0; p < kProducers; ++p) {
      producers.emplace_back([&] {
        for (int i = 0; i < kTasks; ++i) {
          auto future = pool.submit([&ran] { ran.fetch_add(1); });
          if (i % 3 == 0 && future.cancel()) cancelled.fetch_add(1);
          if (i % 64 == 0) wait(std::vector{future});
        }
      });
    }
  }
  EXPECT_EQ(ran + cancelled, kProducers * kTasks);
}

TEST(ThreadPoolExecutor, options_are_checked_before_a_thread_starts) {
  EXPECT_THROW_WITH(ThreadPoolExecutor({.max_workers = 1025}), std::invalid_argument,
                    "max_workers is 1025: it must be from 1 to 1024; leave it out for one worker a "
                    "usable CPU");
  EXPECT_EQ(ThreadPoolExecutor({.max_workers = 1024}).max_workers(), 1024);
}

}  // namespace
}  // namespace poolmark::test
