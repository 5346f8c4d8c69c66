#include <csignal>
#include <cstdlib>

#include "going_wild.hpp"
#include "process_pools.hpp"

// Ways to die, and what each costs.
namespace poolmark::test {
namespace {

int leave(int code) { std::exit(code); }
int leave_at_once(int code) { _exit(code); }

// ---- while it runs a task -------------------------------------------------------------

TEST(WorkerDeath, PPE_02_while_running_costs_that_task_alone) {
  Event begun;
  ProcessPoolExecutor pool(with_workers(1));
  const auto doomed = pool.submit(hang, begun.name());
  const auto behind = pool.submit(increment, 1);
  begun.wait();
  const pid_t pid = pool.worker_pids().at(0);
  kill(pid, SIGKILL);
  const WorkerDied died = death_of(doomed);
  EXPECT_EQ(died.pid, pid);
  EXPECT_EQ(died.signal, SIGKILL);
  EXPECT_EQ(died.exit_code, std::nullopt);
  EXPECT_EQ(died.doing, "running a task");
  EXPECT_EQ(behind.result(), 2);
  EXPECT_NE(pool.submit(own_pid).result(), pid);
}

TEST(WorkerDeath, DLK_04_by_a_crash_in_the_task_costs_that_task_and_names_the_signal) {
  ProcessPoolExecutor pool(with_workers(1));
  EXPECT_EQ(death_of(pool.submit(kill_self, SIGSEGV)).signal, SIGSEGV);
  EXPECT_EQ(death_of(pool.submit(kill_self, SIGTERM)).signal, SIGTERM);
  EXPECT_EQ(death_of(pool.submit(kill_self, SIGABRT)).signal, SIGABRT);
  EXPECT_EQ(pool.submit(increment, 1).result(), 2);
}

TEST(WorkerDeath, PPE_03_says_in_words_who_died_of_what_and_when) {
  ProcessPoolExecutor pool(with_workers(1));
  const pid_t pid = pool.submit(own_pid).result();
  const std::string by_signal = death_of(pool.submit(kill_self, SIGTERM)).what();
  EXPECT_THAT(by_signal, ::testing::HasSubstr(std::to_string(pid)));
  EXPECT_THAT(by_signal, ::testing::HasSubstr("signal 15"));
  EXPECT_THAT(by_signal, ::testing::HasSubstr("while it was running a task"));
  EXPECT_THAT(death_of(pool.submit(leave, 7)).what(), ::testing::HasSubstr("7"));
}

TEST(WorkerDeath, DLK_05_by_exit_is_reported_with_its_code_0_too) {
  ProcessPoolExecutor pool(with_workers(1));
  for (const int code : {0, 3}) {
    const WorkerDied died = death_of(pool.submit(leave, code));
    EXPECT_EQ(died.exit_code, code);
    EXPECT_EQ(died.signal, std::nullopt);
    EXPECT_EQ(died.doing, "running a task, which called exit()");
  }
  EXPECT_EQ(death_of(pool.submit(leave_at_once, 0)).exit_code, 0);
}

// ---- while it waits -------------------------------------------------------------------

/// And goes on running.
int go_wild(EventName begun) {
  if (begun.is_set()) return 1;
  begun.set();
  write_over_all_answers();
  for (;;) pause();
}

TEST(WorkerDeath, OfOneGoneWildIsThePoolsDoingAndItsTaskIsNotRunAgain) {
  const Event begun;
  ProcessPoolExecutor pool(with_workers(1));
  const WorkerDied died = death_of(pool.submit(go_wild, begun.name()));
  EXPECT_EQ(died.signal, SIGKILL);
  EXPECT_THAT(died.doing, ::testing::StartsWith("killed because "));
  EXPECT_EQ(pool.submit(increment, 1).result(), 2);
}

TEST(WorkerDeath, WhileIdleCostsNothing) {
  ProcessPoolExecutor pool(with_workers(1));
  for (int i = 0; i < 5; ++i) {
    const pid_t pid = pool.submit(own_pid).result();
    kill(pid, SIGKILL);
    // Whether the pool knows of the death yet or not.
    EXPECT_NE(pool.submit(own_pid).result(), pid);
  }
}

TEST(WorkerDeath, LosesNothingOfWhatWaitsInItsRing) {
  Event begun;
  ProcessPoolExecutor pool(with_workers(1));
  teach_that_tasks_are_short(pool);
  const auto doomed = pool.submit(hang, begun.name());
  begun.wait();
  std::vector<Future<int>> futures;
  for (int i = 0; i < 200; ++i) futures.push_back(pool.submit(increment, i));
  kill(pool.worker_pids().at(0), SIGKILL);
  EXPECT_EQ(death_of(doomed).signal, SIGKILL);
  for (int i = 0; i < 200; ++i) EXPECT_EQ(futures[static_cast<std::size_t>(i)].result(), i + 1);
}

TEST(WorkerDeath, LeavesTheOrderOfWhatWaitsInItsRing) {
  constexpr int kTasks = 50;
  Event begun;
  const Mailbox ran;
  ProcessPoolExecutor pool(with_workers(1));
  teach_that_tasks_are_short(pool);
  const auto doomed = pool.submit(hang, begun.name());
  begun.wait();
  const auto post = [](MailboxName box, int message) { box.post(message); };
  for (int i = 0; i < kTasks; ++i) pool.submit(post, ran.name(), i);
  kill(pool.worker_pids().at(0), SIGKILL);
  EXPECT_EQ(death_of(doomed).signal, SIGKILL);
  for (int i = 0; i < kTasks; ++i) EXPECT_EQ(ran.receive(), i);
}

TEST(WorkerDeath, DLK_11_leaves_a_payload_larger_than_the_ring_whole) {
  Event begun;
  ProcessPoolExecutor pool(with_workers(1));
  teach_that_tasks_are_short(pool);
  const auto doomed = pool.submit(hang, begun.name());
  begun.wait();
  const auto size = [](const std::string& text) { return text.size(); };
  const auto large = pool.submit(size, std::string(4 << 20, 'x'));
  const auto small = pool.submit(increment, 1);
  kill(pool.worker_pids().at(0), SIGKILL);
  EXPECT_EQ(death_of(doomed).signal, SIGKILL);
  EXPECT_EQ(large.result(), std::size_t{4} << 20);
  EXPECT_EQ(small.result(), 2);
}

TEST(WorkerDeath, SHU_12_after_shutdown_was_requested_still_resolves_everything) {
  Event begun;
  ProcessPoolExecutor pool(with_workers(1));
  const auto doomed = pool.submit(hang, begun.name());
  const auto behind = pool.submit(increment, 1);
  begun.wait();
  const pid_t pid = pool.worker_pids().at(0);
  pool.shutdown({.wait = false});
  kill(pid, SIGKILL);
  EXPECT_EQ(death_of(doomed).signal, SIGKILL);
  EXPECT_EQ(behind.result(), 2);
  pool.shutdown();
}

// Between the answers that come, so that workers are hit while they wait, read, run and write.
TEST(WorkerDeath, AtAnyMomentOfAStreamLeavesEveryFutureResolved) {
  constexpr int kTasks = 6000;
  constexpr int kAnswersBetweenKills = 40;
  ProcessPoolExecutor pool(with_workers(2));
  std::vector<Future<int>> futures;
  for (int i = 0; i < kTasks; ++i) futures.push_back(pool.submit(increment, i));
  int right = 0;
  int died = 0;
  for (int i = 0; i < kTasks; ++i) {
    if (i % kAnswersBetweenKills == 0) {
      const auto pids = pool.worker_pids();
      if (!pids.empty()) kill(pids[static_cast<std::size_t>(i) % pids.size()], SIGKILL);
    }
    try {
      right += futures[static_cast<std::size_t>(i)].result() == i + 1;
    } catch (const WorkerDied& death) {
      EXPECT_EQ(death.signal, SIGKILL);
      ++died;
    }
  }
  EXPECT_EQ(right + died, kTasks);
  // One death costs one task at most.
  EXPECT_LE(died, kTasks / kAnswersBetweenKills);
}

// ---- other policies -------------------------------------------------------------------

int die_once(EventName has_died) {
  if (has_died.is_set()) return getpid();
  has_died.set();
  raise(SIGKILL);
  return 0;
}

TEST(WorkerDeath, IsRetriedOnlyWhereTheOptionSaysSo) {
  Event has_died;
  ProcessPoolOptions options = with_workers(1);
  options.retries_after_worker_death = 1;
  ProcessPoolExecutor pool(options);
  EXPECT_GT(pool.submit(die_once, has_died.name()).result(), 0);
  // One retry is not two.
  EXPECT_EQ(death_of(pool.submit(kill_self, SIGKILL)).signal, SIGKILL);
}

TEST(StrictPool, PPE_02_ERR_05_EXE_11_breaks_when_a_worker_dies) {
  Event begun;
  ProcessPoolExecutor pool(strict_with_workers(1));
  const auto running = pool.submit(hang, begun.name());
  const auto pending = pool.submit(increment, 1);
  begun.wait();
  kill(pool.worker_pids().at(0), SIGKILL);
  EXPECT_THROW(running.result(), BrokenProcessPool);
  EXPECT_THROW(pending.result(), BrokenProcessPool);
  EXPECT_NE(running.exception(), pending.exception());
  EXPECT_THROW(pool.submit(increment, 1), BrokenProcessPool);
}

TEST(StrictPool, DLK_04_breaks_when_the_task_crashes_and_PPE_03_says_of_what) {
  for (const auto& [task, argument, word] :
       {std::tuple(&kill_self, SIGSEGV, "signal 11"), std::tuple(&leave, 7, "7")}) {
    ProcessPoolExecutor pool(strict_with_workers(1));
    try {
      pool.submit(task, argument).result();
      FAIL() << "nothing was thrown";
    } catch (const BrokenProcessPool& error) {
      EXPECT_THAT(error.what(), ::testing::HasSubstr(word));
    }
    EXPECT_THROW(pool.submit(increment, 1), BrokenProcessPool);
  }
}

TEST(ZygoteDeath, BreaksThePoolWithAReason) {
  Event begun;
  ProcessPoolExecutor pool(with_workers(1));
  const pid_t zygote = pool.submit(parents_pid).result();
  const auto running = pool.submit(hang, begun.name());
  const auto pending = pool.submit(increment, 1);
  begun.wait();
  kill(zygote, SIGKILL);
  EXPECT_THROW(running.result(), BrokenProcessPool);
  try {
    pending.result();
    FAIL() << "nothing was thrown";
  } catch (const BrokenProcessPool& error) {
    EXPECT_THAT(error.what(), ::testing::HasSubstr(std::to_string(zygote)));
  }
  EXPECT_THROW(pool.submit(increment, 1), BrokenProcessPool);
}

}  // namespace
}  // namespace poolmark::test
