#include <csignal>
#include <limits>
#include <thread>

#include "process_pools.hpp"

// TaskOptions::deadline: an overdue task is killed, and nothing else is.
namespace poolmark::test {
namespace {

using namespace std::chrono_literals;

// A thread cannot be killed.
template <class Pool>
concept TakesDeadlines =
    requires(Pool& pool, TaskOptions options) { pool.submit(options, increment, 1); };
static_assert(TakesDeadlines<ProcessPoolExecutor>);
static_assert(TakesDeadlines<const ProcessPoolExecutor::Submitter>);
static_assert(!TakesDeadlines<ThreadPoolExecutor>);
static_assert(!TakesDeadlines<SequentialExecutor>);

int hang_at_once() {
  for (;;) pause();
}

DeadlineExceeded deadline_error_of(const AnyFuture& future) {
  try {
    std::rethrow_exception(future.exception());
  } catch (const DeadlineExceeded& exceeded) {
    return exceeded;
  }
}

TEST(Deadline, CostsTheOverdueTaskAlone) {
  ProcessPoolExecutor pool(with_workers(2));
  teach_that_tasks_are_short(pool);
  std::vector<Future<int>> others;
  for (int i = 0; i < 50; ++i) others.push_back(pool.submit(increment, i));
  const auto endless = pool.submit({.deadline = 50ms}, hang_at_once);
  for (int i = 50; i < 100; ++i) others.push_back(pool.submit(increment, i));
  const DeadlineExceeded error = deadline_error_of(endless);
  EXPECT_EQ(error.deadline, 50ms);
  EXPECT_GT(error.pid, 0);
  EXPECT_EQ(std::string(error.what()),
            "the task ran longer than its deadline of 50 ms, so its worker process " +
                std::to_string(error.pid) + " was killed");
  for (int i = 0; i < 100; ++i) EXPECT_EQ(others[static_cast<std::size_t>(i)].result(), i + 1);
}

TEST(Deadline, OfOneWorkerNeverHitsWhatStandsBehindOrBefore) {
  ProcessPoolExecutor pool(with_workers(1));
  teach_that_tasks_are_short(pool);
  std::vector<Future<int>> others;
  std::vector<Future<int>> endless;
  for (int i = 0; i < 40; ++i) {
    others.push_back(pool.submit(increment, i));
    if (i % 10 == 0) endless.push_back(pool.submit({.deadline = 5ms}, hang_at_once));
  }
  for (const auto& future : endless) EXPECT_THROW(future.result(), DeadlineExceeded);
  for (int i = 0; i < 40; ++i) EXPECT_EQ(others[static_cast<std::size_t>(i)].result(), i + 1);
}

TEST(Deadline, OfATaskThatEndsInTimeDoesNothing) {
  ProcessPoolExecutor pool(with_workers(1));
  const pid_t pid = pool.submit(own_pid).result();
  for (int i = 0; i < 200; ++i) EXPECT_EQ(pool.submit({.deadline = 1h}, own_pid).result(), pid);
  EXPECT_EQ(pool.submit(own_pid).result(), pid);
}

int spin_for(std::chrono::nanoseconds time) {
  const auto end = std::chrono::steady_clock::now() + time;
  while (std::chrono::steady_clock::now() < end) {
  }
  return 1;
}

// It ends about when the deadline does, so either side may win: never both, and never neither.
TEST(Deadline, AgainstTheEndOfItsTaskHasOneWinner) {
  constexpr int kTasks = 100;
  ProcessPoolExecutor pool(with_workers(2));
  std::vector<Future<int>> futures;
  for (int i = 0; i < kTasks; ++i) {
    futures.push_back(pool.submit({.deadline = 2ms}, spin_for, 1900us + 2us * i));
    futures.push_back(pool.submit(increment, i));
  }
  int decided = 0;
  for (int i = 0; i < kTasks; ++i) {
    try {
      decided += futures[static_cast<std::size_t>(2 * i)].result();
    } catch (const DeadlineExceeded&) {
      ++decided;
    }
    EXPECT_EQ(futures[static_cast<std::size_t>(2 * i + 1)].result(), i + 1);
  }
  EXPECT_EQ(decided, kTasks);
}

TEST(Deadline, OfEachTaskIsItsOwn) {
  ProcessPoolExecutor pool(with_workers(2));
  const auto later = pool.submit({.deadline = 60ms}, hang_at_once);
  const auto sooner = pool.submit({.deadline = 20ms}, hang_at_once);
  EXPECT_EQ(deadline_error_of(sooner).deadline, 20ms);
  EXPECT_EQ(deadline_error_of(later).deadline, 60ms);
}

TEST(Deadline, IsKeptByEachWorkerWhateverTheOthersHave) {
  for (const std::size_t first_to_end : {0U, 1U}) {
    ProcessPoolExecutor pool(with_workers(2));
    Event begun[2];
    Event may_end[2];
    Future<int> long_ones[2];
    for (const std::size_t i : {0U, 1U}) {
      long_ones[i] = pool.submit({.deadline = 10min}, hold, begun[i].name(), may_end[i].name());
      begun[i].wait();
    }
    may_end[first_to_end].set();
    long_ones[first_to_end].result();
    EXPECT_THROW(pool.submit({.deadline = 20ms}, hang_at_once).result(), DeadlineExceeded);
    EXPECT_TRUE(long_ones[1 - first_to_end].running());
    may_end[1 - first_to_end].set();
  }
}

TEST(Deadline, IsKeptWhileNobodyWaitsAndByASleepingPool) {
  Event done;
  ProcessPoolExecutor pool(with_workers(1));
  EXPECT_EQ(pool.submit({.deadline = 1ms}, increment, 1).result(), 2);
  auto endless = pool.submitter().submit({.deadline = 20ms}, hang_at_once);
  endless.add_done_callback([&](const auto&) { done.set(); });
  done.wait();
  EXPECT_THROW(endless.result(), DeadlineExceeded);
}

TEST(Deadline, OfATaskCancelledBeforeItStartsDoesNothing) {
  Event begun;
  Event may_end;
  ProcessPoolExecutor pool(with_workers(1));
  const auto holder = pool.submit(hold, begun.name(), may_end.name());
  begun.wait();
  auto waiting = pool.submit({.deadline = 1ms}, increment, 1);
  EXPECT_FALSE(waiting.running());
  EXPECT_TRUE(waiting.cancel());
  may_end.set();
  const pid_t pid = holder.result();
  EXPECT_EQ(pool.submit(own_pid).result(), pid);
}

TEST(Deadline, LetsAShutdownThatWaitsEnd) {
  ProcessPoolExecutor pool(with_workers(1));
  const auto endless = pool.submit({.deadline = 30ms}, hang_at_once);
  pool.shutdown();
  EXPECT_THROW(endless.result(), DeadlineExceeded);
}

TEST(Deadline, IsNoReasonToRetryNorToBreakThePool) {
  Mailbox runs;
  ProcessPoolOptions options = strict_with_workers(1);
  options.retries_after_worker_death = 3;
  ProcessPoolExecutor pool(options);
  const auto task = [](MailboxName box) {
    box.post(1);
    return hang_at_once();
  };
  const auto endless = pool.submit({.deadline = 30ms}, task, runs.name());
  EXPECT_THROW(endless.result(), DeadlineExceeded);
  EXPECT_EQ(pool.submit(increment, 1).result(), 2);
  EXPECT_LE(runs.size(), 1);
}

TEST(Deadline, OfATaskWhoseWorkerDiesOfSomethingElseForbidsToRetryItToo) {
  Mailbox runs;
  ProcessPoolOptions options = with_workers(1);
  options.retries_after_worker_death = 3;
  ProcessPoolExecutor pool(options);
  const auto task = [](MailboxName box) {
    box.post(1);
    return kill_self(SIGKILL);
  };
  EXPECT_THROW(pool.submit({.deadline = 60s}, task, runs.name()).result(), WorkerDied);
  EXPECT_EQ(runs.size(), 1);
}

TEST(Deadline, TakesWhatTheTaskForkedAlong) {
  Mailbox pids;
  ProcessPoolExecutor pool(with_workers(1));
  // Time enough for the child to tell its name.
  const auto endless = pool.submit({.deadline = 500ms}, fork_and_hang, pids.name());
  const pid_t pid = pids.receive();
  const Watched child(pid);
  EXPECT_THROW(endless.result(), DeadlineExceeded);
  const bool ended = child.await_end();
  EXPECT_TRUE(ended);
  if (!ended) kill(pid, SIGKILL);
}

TEST(Deadline, ThatIsNotPositiveIsRefused) {
  ProcessPoolExecutor pool(with_workers(1));
  EXPECT_THROW(pool.submit({.deadline = 0ms}, increment, 1), std::invalid_argument);
  EXPECT_THROW(pool.submit({.deadline = -1h}, increment, 1), std::invalid_argument);
  const std::chrono::duration<double> nan{std::numeric_limits<double>::quiet_NaN()};
  EXPECT_THROW(pool.submit({.deadline = nan}, increment, 1), std::invalid_argument);
  EXPECT_EQ(pool.submit({}, increment, 1).result(), 2);
}

TEST(DeadlineExceededError, CrossesBetweenProcesses) {
  ProcessPoolExecutor pool(with_workers(1));
  const auto task = [] { throw DeadlineExceeded(1500ms, 7); };
  const DeadlineExceeded error = deadline_error_of(pool.submit(task));
  EXPECT_EQ(error.deadline, 1500ms);
  EXPECT_EQ(error.pid, 7);
  EXPECT_THAT(error.what(), ::testing::HasSubstr("deadline of 1.5 s"));
}

}  // namespace
}  // namespace poolmark::test
