#include <sys/wait.h>
#include <unistd.h>

#include <latch>
#include <optional>
#include <thread>

#include "process/process_pools.hpp"
#include "waiting_tasks.hpp"

// Waits of workers that can never end are errors. That no others are is in no_deadlock_test.cpp.
namespace poolmark::test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Property;
using ::testing::Throws;
using ::testing::UnorderedElementsAre;

TEST(Deadlock, TPE_07_without_run_in_place_a_pool_of_one_names_itself) {
  ThreadPoolExecutor pool(without_run_in_place(1, "io"));
  auto outer = pool.submit([&] { return pool.submit(square, 5).result(); });
  EXPECT_THAT([&] { outer.result(); },
              Throws<DeadlockError>(Property(
                  &DeadlockError::what,
                  AllOf(HasSubstr("waiting for ever: this task waits for <Future at 0x"),
                        HasSubstr(" state=pending>, which stands in the queue of a thread pool "
                                  "(prefix \"io\") all of whose 1 workers wait")))));
  EXPECT_EQ(pool.submit(square, 3).result(), 9);
}

TEST(Deadlock, TPE_07_a_map_in_a_full_pool_that_may_not_run_in_place) {
  ThreadPoolExecutor pool(without_run_in_place(1));
  auto outer = pool.submit([&] {
    int sum = 0;
    for (const int value : pool.map(square, std::vector{1, 2, 3})) sum += value;
    return sum;
  });
  EXPECT_THROW_WITH(outer.result(), DeadlockError, "all of whose 1 workers wait");
  EXPECT_EQ(pool.submit(square, 3).result(), 9);
}

TEST(Deadlock, a_task_that_waits_for_itself) {
  ThreadPoolExecutor pool(1);
  Promise<Future<int>> itself;
  auto future =
      pool.submit([handed = itself.get_future()]() -> int { return handed.result().result(); });
  itself.set_result(future);
  EXPECT_THROW_WITH(future.result(), DeadlockError, "state=running>, which this thread executes");
}

/// Waits for the task whose handle it will be handed; 5 if that would be for ever, else one more.
int wait_for_handed(const Future<Future<int>>& handed, std::atomic<int>& errors) {
  const Future<int> other = handed.result();
  try {
    return other.result() + 1;
  } catch (const DeadlockError& error) {
    EXPECT_THAT(error.what(), AllOf(HasSubstr("this task waits for <Future at 0x"),
                                    HasSubstr("state=running>, whose task waits for <Future at 0x"),
                                    HasSubstr("state=running>, which this thread executes")));
    ++errors;
    return 5;
  }
}

/// Two tasks, one in each pool, that wait for each other from about the same moment on.
void expect_one_error_in_circle(ThreadPoolExecutor& one, ThreadPoolExecutor& two) {
  std::atomic<int> errors{0};
  Promise<Future<int>> a_handle;
  Promise<Future<int>> b_handle;
  const auto a = one.submit(wait_for_handed, b_handle.get_future(), std::ref(errors));
  const auto b = two.submit(wait_for_handed, a_handle.get_future(), std::ref(errors));
  a_handle.set_result(a);
  b_handle.set_result(b);
  EXPECT_THAT((std::vector{a.result(), b.result()}), UnorderedElementsAre(5, 6));
  EXPECT_EQ(errors, 1);
}

TEST(Deadlock, TPE_07_of_two_tasks_that_wait_for_each_other_one_is_told_and_the_other_goes_on) {
  // Otherwise the first may run the second in place, and the circle is one of a single thread.
  ThreadPoolExecutor pool(without_run_in_place(2));
  for (int round = 0; round < 300; ++round) expect_one_error_in_circle(pool, pool);
}

TEST(Deadlock, a_circle_across_two_pools) {
  ThreadPoolExecutor one(1);
  ThreadPoolExecutor two(1);
  for (int round = 0; round < 300; ++round) expect_one_error_in_circle(one, two);
}

TEST(Deadlock, a_circle_through_the_queues_of_two_pools) {
  ThreadPoolExecutor one(without_run_in_place(1, "one"));
  ThreadPoolExecutor two(without_run_in_place(1, "two"));
  std::latch both_run(2);
  const auto task = [&](ThreadPoolExecutor& other) {
    both_run.arrive_and_wait();
    return other.submit(square, 3).exception() == nullptr;
  };
  const auto a = one.submit(task, std::ref(two));
  const auto b = two.submit(task, std::ref(one));
  int told = 0;
  for (const auto& future : {a, b}) {
    try {
      EXPECT_TRUE(future.result());
    } catch (const DeadlockError& error) {
      EXPECT_THAT(error.what(), HasSubstr("all of whose 1 workers wait"));
      ++told;
    }
  }
  EXPECT_EQ(told, 1);
}

TEST(Deadlock, a_task_in_place_that_waits_for_the_one_it_is_run_for) {
  ThreadPoolExecutor pool(1);
  Promise<Future<int>> outer_handle;
  auto outer = pool.submit([&] {
    auto inner = pool.submit([&] { return outer_handle.get_future().result().result(); });
    return inner.result();
  });
  outer_handle.set_result(outer);
  EXPECT_THROW_WITH(outer.result(), DeadlockError, "which this thread executes");
}

TEST(Deadlock, waits_for_any_and_for_all_that_cannot_end) {
  ThreadPoolExecutor pool(without_run_in_place(1));
  const auto in_worker = [&](auto body) {
    pool.submit([&pool, body] {
          Promise<int> from_outside;
          const std::vector futures{pool.submit(square, 1), pool.submit(square, 2)};
          body(futures, from_outside.get_future());
        })
        .result();
  };
  using Futures = std::vector<Future<int>>;
  EXPECT_THROW_WITH(in_worker([](const Futures& futures, const auto&) { wait(futures); }),
                    DeadlockError, "this task waits for <Future");
  EXPECT_THROW_WITH(in_worker([](Futures futures, const auto& promised) {
                      futures.push_back(promised);
                      wait(futures);
                    }),
                    DeadlockError, "this task waits for <Future");
  for (const auto mode : {ReturnWhen::FirstCompleted, ReturnWhen::FirstException}) {
    EXPECT_THROW_WITH(in_worker([mode](const Futures& futures, const auto&) {
                        wait(futures, {.return_when = mode});
                      }),
                      DeadlockError, "this task waits for one of several futures, such as <Future");
  }
  EXPECT_THROW(in_worker([](const Futures& futures, const auto&) {
                 for (const auto& done : as_completed(futures)) done.result();
               }),
               DeadlockError);
  EXPECT_THROW(in_worker([](const Futures& futures, const auto&) {
                 CompletionSet<Future<int>> set;
                 for (const auto& future : futures) set.add(future);
                 set.next();
               }),
               DeadlockError);
}

TEST(Deadlock, what_is_left_when_the_others_are_done_is_found_too) {
  ThreadPoolExecutor pool(without_run_in_place(1));
  for (const bool waits : {true, false}) {
    Promise<int> from_outside;
    Mailbox sleeper;
    auto task = pool.submit([&, box = sleeper.name()] {
      const std::vector futures{from_outside.get_future(), pool.submit(square, 2)};
      announce(box);
      if (waits) {
        wait(futures, {.return_when = ReturnWhen::FirstException});
      } else {
        for (const auto& done : as_completed(futures)) EXPECT_EQ(done.result(), 7);
      }
    });
    await_sleep_of(sleeper.receive());
    EXPECT_FALSE(task.done());
    from_outside.set_result(7);
    EXPECT_THROW(task.result(), DeadlockError);
  }
}

TEST(Deadlock, an_initializer_that_waits_for_its_own_pool_breaks_it) {
  std::optional<ThreadPoolExecutor> pool;
  pool.emplace(ThreadPoolOptions{.max_workers = 1,
                                 .initializer = [&] { pool->submit(square, 5).result(); }});
  EXPECT_THROW_WITH(pool->submit(square, 1).result(), BrokenThreadPool, "waiting for ever");
}

void expect_to_wait_for_readers(const MapOptions& options) {
  ThreadPoolExecutor pool(without_run_in_place(2));
  Mailbox reader;
  Mailbox sleeper;
  Promise<Future<int>> never_starts;
  std::atomic<bool> reader_ended{false};
  auto outer = pool.submit([&] {
    const std::vector inputs{1};
    {
      auto map = pool.map(
          options,
          [&](int) {
            auto behind = pool.submit(square, 5);
            never_starts.set_result(behind);
            announce(reader.name());
            EXPECT_THROW(behind.result(), CancelledError);
            reader_ended = true;
          },
          inputs);
      static_cast<void>(map.begin());
      await_sleep_of(reader.receive());
      announce(sleeper.name());
    }
    return reader_ended.load();
  });
  await_sleep_of(sleeper.receive());
  EXPECT_TRUE(never_starts.get_future().result().cancel());
  EXPECT_TRUE(outer.result());
}

TEST(Deadlock, a_map_waits_for_the_readers_of_the_callers_range_all_the_same) {
  expect_to_wait_for_readers({});
  expect_to_wait_for_readers({.buffersize = 1});
}

TEST(Deadlock, a_child_forked_amid_blocked_workers_can_find_one_of_its_own) {
  SKIP_UNDER_TSAN("a forked child may not start threads");
  SKIP_UNDER_ASAN("a child forked amid threads at work may not ask for memory");
  ThreadPoolExecutor outer(without_run_in_place(2));
  ThreadPoolExecutor inner(1);
  std::atomic<bool> stop{false};
  std::vector<Future<void>> churn;
  for (int i = 0; i < 2; ++i) {
    churn.push_back(outer.submit([&] {
      while (!stop) sum_in(inner, 1);
    }));
  }
  for (int i = 0; i < 50; ++i) {
    const pid_t child = fork();
    if (child == 0) {
      ThreadPoolExecutor pool(without_run_in_place(1));
      try {
        pool.submit([&] { return pool.submit(square, 5).result(); }).result();
      } catch (const DeadlockError&) {
        _exit(7);
      }
      _exit(1);
    }
    int status = 0;
    EXPECT_EQ(waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 7);
  }
  stop = true;
}

}  // namespace
}  // namespace poolmark::test
