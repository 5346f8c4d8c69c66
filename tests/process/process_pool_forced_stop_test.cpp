#include <csignal>
#include <thread>

#include "process_pools.hpp"

// terminate_workers() and kill_workers().
namespace poolmark::test {
namespace {

/// The same rules for both.
class ForcedStop : public ::testing::TestWithParam<int> {
 protected:
  static void stop(ProcessPoolExecutor& pool) {
    if (GetParam() == SIGTERM) {
      pool.terminate_workers();
    } else {
      pool.kill_workers();
    }
  }
};

INSTANTIATE_TEST_SUITE_P(By, ForcedStop, ::testing::Values(SIGTERM, SIGKILL),
                         [](const auto& signal) {
                           return signal.param == SIGTERM ? "terminate_workers" : "kill_workers";
                         });

TEST_P(ForcedStop, KIL_01_signals_every_live_worker_and_shuts_down) {
  Event first_begun;
  Event second_begun;
  ProcessPoolExecutor pool(with_workers(2));
  const auto first = pool.submit(hang, first_begun.name());
  const auto second = pool.submit(hang, second_begun.name());
  first_begun.wait();
  second_begun.wait();
  stop(pool);
  for (const auto& future : {first, second}) {
    const WorkerDied died = death_of(future);
    EXPECT_EQ(died.signal, GetParam());
    EXPECT_TRUE(died.ordered);
    EXPECT_THAT(died.what(), ::testing::HasSubstr("because the pool was told to end its workers"));
  }
  pool.shutdown();
  EXPECT_TRUE(pool.worker_pids().empty());
}

TEST_P(ForcedStop, KIL_02_cancels_what_waits_also_in_the_rings) {
  Event begun;
  ProcessPoolOptions options = with_workers(1);
  options.retries_after_worker_death = 3;
  ProcessPoolExecutor pool(options);
  teach_that_tasks_are_short(pool);
  const auto running = pool.submit(hang, begun.name());
  begun.wait();
  std::vector<Future<int>> waiting;
  for (int i = 0; i < 500; ++i) waiting.push_back(pool.submit(increment, i));
  stop(pool);
  EXPECT_THROW(running.result(), WorkerDied);
  for (const auto& future : waiting) EXPECT_TRUE(future.cancelled());
}

TEST_P(ForcedStop, KIL_03_is_safe_before_any_worker_has_started) {
  ProcessPoolExecutor unused(with_workers(2));
  stop(unused);
  stop(unused);
  // And when the worker is being born.
  ProcessPoolExecutor fresh(with_workers(1));
  const auto future = fresh.submit(pause);
  stop(fresh);
  EXPECT_TRUE(future.cancelled() || death_of(future).ordered);
}

TEST_P(ForcedStop, KIL_03_is_safe_on_a_broken_and_on_a_closed_pool) {
  Event begun;
  ProcessPoolExecutor pool(strict_with_workers(1));
  const auto running = pool.submit(hang, begun.name());
  begun.wait();
  kill(pool.worker_pids().at(0), SIGKILL);
  EXPECT_THROW(running.result(), BrokenProcessPool);
  stop(pool);
  pool.shutdown();
  stop(pool);
}

TEST_P(ForcedStop, KIL_04_submit_is_refused_afterwards) {
  ProcessPoolExecutor pool(with_workers(1));
  EXPECT_EQ(pool.submit(increment, 1).result(), 2);
  stop(pool);
  EXPECT_THROW(pool.submit(increment, 1), ShutdownError);
}

TEST_P(ForcedStop, KIL_02_does_not_break_a_pool_that_breaks_by_a_death) {
  Event begun;
  ProcessPoolExecutor pool(strict_with_workers(1));
  const auto running = pool.submit(hang, begun.name());
  begun.wait();
  stop(pool);
  EXPECT_TRUE(death_of(running).ordered);
  pool.shutdown();
  EXPECT_THROW(pool.submit(increment, 1), ShutdownError);
}

TEST_P(ForcedStop, Frees_a_thread_that_waits_in_shutdown) {
  Event begun;
  ProcessPoolExecutor pool(with_workers(1));
  const auto running = pool.submit(hang, begun.name());
  begun.wait();
  Event waits;
  std::thread other([&] {
    waits.set();
    pool.shutdown();
  });
  waits.wait();
  stop(pool);
  other.join();
  EXPECT_TRUE(death_of(running).ordered);
}

int count_start(MailboxName box) {
  box.post(getpid());
  for (;;) pause();
}

TEST_P(ForcedStop, MTC_07_never_starts_a_worker_again) {
  Mailbox starts;
  ProcessPoolOptions options = with_workers(1);
  options.max_tasks_per_child = 1;
  options.retries_after_worker_death = 5;
  ProcessPoolExecutor pool(options);
  const auto running = pool.submit(count_start, starts.name());
  const auto waiting = pool.submit(count_start, starts.name());
  starts.receive();
  stop(pool);
  EXPECT_THROW(running.result(), WorkerDied);
  EXPECT_TRUE(waiting.cancelled());
  pool.shutdown();
  EXPECT_EQ(starts.size(), 0);
}

int ignore_termination(EventName begun, EventName may_end) {
  std::signal(SIGTERM, SIG_IGN);
  return hold(begun, may_end);
}

TEST(TerminateWorkers, LetsATaskThatIgnoresItRunToItsEnd) {
  Event begun;
  Event may_end;
  ProcessPoolExecutor pool(with_workers(1));
  const auto running = pool.submit(ignore_termination, begun.name(), may_end.name());
  begun.wait();
  pool.terminate_workers();
  EXPECT_FALSE(running.done());
  may_end.set();
  EXPECT_GT(running.result(), 0);
}

TEST(KillWorkers, EndsATaskThatIgnoresTermination) {
  Event begun;
  Event never;
  ProcessPoolExecutor pool(with_workers(1));
  const auto running = pool.submit(ignore_termination, begun.name(), never.name());
  begun.wait();
  pool.terminate_workers();
  pool.kill_workers();
  EXPECT_EQ(death_of(running).signal, SIGKILL);
}

TEST(KillWorkers, KIL_06_TakesWhatTasksHaveForkedAlong) {
  Mailbox pids;
  ProcessPoolExecutor pool(with_workers(1));
  const auto running = pool.submit(fork_and_hang, pids.name());
  const pid_t pid = pids.receive();
  const Watched child(pid);
  pool.kill_workers();
  const bool ended = child.await_end();
  EXPECT_TRUE(ended);
  if (!ended) kill(pid, SIGKILL);
  EXPECT_THROW(running.result(), WorkerDied);
}

}  // namespace
}  // namespace poolmark::test
