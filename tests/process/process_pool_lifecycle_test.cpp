#include <sys/wait.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <thread>

#include "process_pools.hpp"

// Birth, recycling, shutdown, and that nothing is left behind.
namespace poolmark::test {
namespace {

std::size_t open_descriptors() {
  const std::filesystem::directory_iterator entries("/proc/self/fd");
  return static_cast<std::size_t>(std::distance(begin(entries), end(entries)));
}

std::size_t mapped_pool_memory() {
  std::ifstream maps("/proc/self/maps");
  std::size_t count = 0;
  for (std::string line; std::getline(maps, line);) {
    count += line.find("memfd:poolmark") != std::string::npos;
  }
  return count;
}

bool exists(pid_t pid) { return kill(pid, 0) == 0; }

// ---- options --------------------------------------------------------------------------

TEST(ProcessPoolOptions, OutOfRangeAreRefusedWithTheirValue) {
  const auto refused = [](ProcessPoolOptions options) -> std::string {
    try {
      ProcessPoolExecutor pool(options);
    } catch (const std::invalid_argument& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_THAT(refused(with_workers(0)), ::testing::HasSubstr("0"));
  EXPECT_THAT(refused(with_workers(-1)), ::testing::HasSubstr("-1"));
  EXPECT_THAT(refused(with_workers(1'000'000'000)), ::testing::HasSubstr("1000000000"));
  ProcessPoolOptions no_tasks = with_workers(1);
  no_tasks.max_tasks_per_child = 0;
  EXPECT_THAT(refused(no_tasks), ::testing::HasSubstr("max_tasks_per_child is 0"));
  ProcessPoolOptions fewer_retries = with_workers(1);
  fewer_retries.retries_after_worker_death = -2;
  EXPECT_THAT(refused(fewer_retries), ::testing::HasSubstr("-2"));
}

TEST(ProcessPoolOptions, NameTheWorkers) {
  ProcessPoolOptions options = with_workers(1);
  options.process_name_prefix = "crunch";
  ProcessPoolExecutor pool(options);
  std::ifstream comm("/proc/" + std::to_string(pool.submit(own_pid).result()) + "/comm");
  std::string name;
  std::getline(comm, name);
  EXPECT_EQ(name, "crunch");
}

// ---- initializer ----------------------------------------------------------------------

int set_by_initializer = 0;

void set_it() { set_by_initializer = getpid(); }
int read_it() { return set_by_initializer == getpid(); }

// INI-01
TEST(ProcessInitializer, RunsInEveryWorkerReplacementsIncluded) {
  ProcessPoolOptions options = with_workers(1);
  options.initializer = set_it;
  options.max_tasks_per_child = 1;
  ProcessPoolExecutor pool(options);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(pool.submit(read_it).result(), 1);
  EXPECT_EQ(set_by_initializer, 0);
}

TEST(ProcessInitializer, MayBeAClosureOfPlainValues) {
  ProcessPoolOptions options = with_workers(1);
  options.initializer = [value = 42] { set_by_initializer = value; };
  ProcessPoolExecutor pool(options);
  EXPECT_EQ(pool.submit([] { return set_by_initializer; }).result(), 42);
}

// INI-02, ERR-05
TEST(ProcessInitializer, ThatThrowsBreaksThePoolWithItsText) {
  ProcessPoolOptions options = with_workers(1);
  options.initializer = [] { throw std::runtime_error("no licence"); };
  ProcessPoolExecutor pool(options);
  const auto first = pool.submit(increment, 1);
  EXPECT_THROW(
      {
        try {
          first.result();
        } catch (const BrokenProcessPool& error) {
          EXPECT_THAT(error.what(), ::testing::HasSubstr("no licence"));
          throw;
        }
      },
      BrokenProcessPool);
  EXPECT_THROW(pool.submit(increment, 1), BrokenProcessPool);
}

TEST(ProcessInitializer, ThatEndsTheWorkerBreaksThePoolToo) {
  ProcessPoolOptions options = with_workers(1);
  options.initializer = [] { std::exit(4); };
  ProcessPoolExecutor pool(options);
  EXPECT_THROW(pool.submit(increment, 1).result(), BrokenProcessPool);
}

// ---- recycling ------------------------------------------------------------------------

// MTC-01, MTC-04
TEST(MaxTasksPerChild, IsTheExactNumberWhileABacklogFlows) {
  ProcessPoolOptions options = with_workers(1);
  options.max_tasks_per_child = 2;
  ProcessPoolExecutor pool(options);
  std::vector<Future<int>> futures;
  for (int i = 0; i < 7; ++i) futures.push_back(pool.submit(own_pid));
  std::vector<int> pids;
  for (const auto& future : futures) pids.push_back(future.result());
  EXPECT_EQ(pids[0], pids[1]);
  EXPECT_EQ(pids[2], pids[3]);
  EXPECT_EQ(pids[4], pids[5]);
  EXPECT_EQ(std::set<int>(pids.begin(), pids.end()).size(), 4U);
}

// MTC-05, SHU-14
TEST(MaxTasksPerChild, LetsAnEarlyShutdownFinishEverything) {
  ProcessPoolOptions options = with_workers(2);
  options.max_tasks_per_child = 1;
  std::vector<Future<int>> futures;
  {
    ProcessPoolExecutor pool(options);
    for (int i = 0; i < 6; ++i) futures.push_back(pool.submit(own_pid));
    futures.push_back(pool.submit([]() -> int { throw std::out_of_range("one fails"); }));
    pool.shutdown({.wait = false});
    pool.shutdown();
  }
  std::set<int> pids;
  for (int i = 0; i < 6; ++i) pids.insert(futures[static_cast<std::size_t>(i)].result());
  EXPECT_EQ(pids.size(), 6U);
  EXPECT_THROW(futures.back().result(), std::out_of_range);
}

// ---- shutdown -------------------------------------------------------------------------

// SHU-03
TEST(ProcessPoolShutdown, WithoutWaitingReturnsAndLetsTheWorkFinish) {
  Event begun;
  Event may_end;
  Future<int> running;
  Future<int> behind;
  {
    ProcessPoolExecutor pool(with_workers(1));
    running = pool.submit(hold, begun.name(), may_end.name());
    behind = pool.submit(increment, 1);
    begun.wait();
    pool.shutdown({.wait = false});
    EXPECT_THROW(pool.submit(increment, 1), ShutdownError);
  }
  EXPECT_TRUE(running.running());
  may_end.set();
  const Watched worker(running.result());
  EXPECT_EQ(behind.result(), 2);
  if (worker.is_open()) {
    EXPECT_TRUE(worker.await_end());
  }
}

// SHU-04
TEST(ProcessPoolShutdown, CancelsWhatHasNotStarted) {
  Event begun;
  Event may_end;
  ProcessPoolExecutor pool(with_workers(1));
  teach_that_tasks_are_short(pool);
  const auto running = pool.submit(hold, begun.name(), may_end.name());
  begun.wait();
  std::vector<Future<int>> waiting;
  for (int i = 0; i < 500; ++i) waiting.push_back(pool.submit(increment, i));
  pool.shutdown({.wait = false, .cancel_futures = true});
  for (const auto& future : waiting) EXPECT_TRUE(future.cancelled());
  may_end.set();
  pool.shutdown();
  EXPECT_GT(running.result(), 0);
}

// SHU-01
TEST(ProcessPoolShutdown, MayBeCalledByManyAndInACallback) {
  ProcessPoolExecutor pool(with_workers(2));
  Event called;
  auto future = pool.submit(increment, 1);
  future.add_done_callback([&](const Future<int>&) {
    pool.shutdown();
    called.set();
  });
  called.wait();
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) threads.emplace_back([&] { pool.shutdown(); });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(future.result(), 2);
}

// SHU-11
TEST(ProcessPoolShutdown, LeavesNothingBehind) {
  const std::size_t descriptors = open_descriptors();
  for (const bool broken : {false, true}) {
    std::vector<pid_t> processes;
    Future<int> survivor;
    {
      Event begun;
      ProcessPoolExecutor pool(with_workers(3));
      std::vector<Future<int>> futures;
      for (int i = 0; i < 100; ++i) futures.push_back(pool.submit(increment, i));
      wait(futures);
      survivor = futures.front();
      processes = pool.worker_pids();
      const pid_t zygote = pool.submit(parents_pid).result();
      processes.push_back(zygote);
      if (broken) kill(zygote, SIGKILL);
    }
    for (const pid_t pid : processes) {
      // A worker whose zygote was killed is init's to reap, at its leisure.
      if (!broken) {
        EXPECT_FALSE(exists(pid)) << pid;
      }
    }
    EXPECT_EQ(survivor.result(), 1);
    EXPECT_EQ(mapped_pool_memory(), 0U);
    EXPECT_EQ(open_descriptors(), descriptors);
  }
}

TEST(ProcessPoolShutdown, OfAnUnusedPoolLeavesNothingBehind) {
  const std::size_t descriptors = open_descriptors();
  { ProcessPoolExecutor pool(with_workers(2)); }
  EXPECT_EQ(mapped_pool_memory(), 0U);
  EXPECT_EQ(open_descriptors(), descriptors);
}

// ---- zygotes --------------------------------------------------------------------------

TEST(PoolZygote, SeesTheGlobalsAsTheyWereWhenThePoolWasMade) {
  set_by_initializer = 7;
  ProcessPoolExecutor pool({.max_workers = 1});
  set_by_initializer = 8;
  EXPECT_EQ(pool.submit([] { return set_by_initializer; }).result(), 7);
}

TEST(PoolZygote, WorksInAProcessWithThreads) {
  SKIP_UNDER_TSAN("a child forked from a process with threads may not fork or start threads");
  Event may_end;
  std::thread other([&] { may_end.wait(); });
  {
    ProcessPoolExecutor pool({.max_workers = 2});
    EXPECT_EQ(pool.submit(increment, 1).result(), 2);
  }
  may_end.set();
  other.join();
}

TEST(PoolZygote, LeavesNoChildBehind) {
  {
    ProcessPoolExecutor pool({.max_workers = 2});
    EXPECT_EQ(pool.submit(increment, 1).result(), 2);
  }
  // The zygote of main() is left, and nothing that has ended.
  EXPECT_EQ(waitpid(-1, nullptr, WNOHANG), 0);
}

TEST(PoolZygote, PrintsNothingTwice) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  const pid_t child = fork();
  if (child == 0) {
    dup2(ends[1], STDOUT_FILENO);
    std::printf("before;");
    {
      ProcessPoolExecutor pool({.max_workers = 2});
      pool.submit([] { std::printf("task;"); }).result();
    }
    std::printf("after;");
    std::fflush(stdout);
    _exit(0);
  }
  close(ends[1]);
  std::string printed;
  char piece[256];
  for (ssize_t got = 0; (got = read(ends[0], piece, sizeof piece)) > 0;) {
    printed.append(piece, static_cast<std::size_t>(got));
  }
  close(ends[0]);
  waitpid(child, nullptr, 0);
  // The worker prints when it ends, which is before the pool is gone.
  EXPECT_EQ(printed, "before;task;after;");
}

// ---- other processes ------------------------------------------------------------------

ProcessPoolExecutor* inherited_pool = nullptr;

int use_inherited_pool() { return inherited_pool->submit(increment, 1).result(); }

// PPE-11
TEST(InheritedPool, RefusesToBeUsedInAWorker) {
  ProcessPoolExecutor outer(with_workers(1));
  inherited_pool = &outer;
  ProcessPoolExecutor inner({.max_workers = 1});
  EXPECT_THROW(inner.submit(use_inherited_pool).result(), DeadlockError);
  inherited_pool = nullptr;
}

TEST(InheritedPool, IsInertInAForkedChild) {
  auto pool = std::make_unique<ProcessPoolExecutor>(with_workers(1));
  EXPECT_EQ(pool->submit(increment, 1).result(), 2);
  const pid_t child = fork();
  if (child == 0) {
    bool refused = false;
    try {
      pool->submit(increment, 1);
    } catch (const DeadlockError&) {
      refused = true;
    }
    pool->shutdown();
    pool.reset();
    _exit(refused ? 0 : 1);
  }
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(pool->submit(increment, 2).result(), 3);
}

int report_and_hang(MailboxName box) {
  box.post(getppid());
  box.post(getpid());
  for (;;) pause();
}

// cpython#111873
TEST(MainProcess, KilledTakesItsWorkersAndZygotesAlong) {
  for (const auto method : {StartMethod::PoolZygote, StartMethod::ProcessZygote}) {
    Mailbox pids;
    const pid_t main_process = fork();
    if (main_process == 0) {
      start_zygote();
      ProcessPoolOptions options = with_workers(1);
      options.start_method = method;
      ProcessPoolExecutor pool(options);
      pool.submit(report_and_hang, pids.name()).result();
      _exit(1);
    }
    const Watched zygote(pids.receive());
    const Watched worker(pids.receive());
    ASSERT_TRUE(zygote.is_open() && worker.is_open());
    kill(main_process, SIGKILL);
    EXPECT_TRUE(worker.await_end());
    EXPECT_TRUE(zygote.await_end());
    waitpid(main_process, nullptr, 0);
  }
}

TEST(ProcessZygote, IsNeededForItsStartMethod) {
  const pid_t child = fork();
  if (child == 0) {
    // The zygote of main() is the parent's.
    bool refused = false;
    try {
      ProcessPoolExecutor pool(with_workers(1));
    } catch (const std::logic_error& error) {
      refused = std::string(error.what()).find("start_zygote()") != std::string::npos;
    }
    _exit(refused ? 0 : 1);
  }
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace poolmark::test
