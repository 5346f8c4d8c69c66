#include <sys/prctl.h>
#include <sys/resource.h>

#include <atomic>
#include <set>
#include <thread>

#include "process_pools.hpp"

// Shutdown, what else ends a pool, and that nothing is left behind.
namespace poolmark::test {
namespace {

/// This process cannot open anything; what is open stays open.
class NoMoreDescriptors {
 public:
  NoMoreDescriptors() {
    getrlimit(RLIMIT_NOFILE, &before_);
    const rlimit none{0, before_.rlim_max};
    setrlimit(RLIMIT_NOFILE, &none);
  }
  NoMoreDescriptors(const NoMoreDescriptors&) = delete;
  NoMoreDescriptors& operator=(const NoMoreDescriptors&) = delete;
  ~NoMoreDescriptors() { setrlimit(RLIMIT_NOFILE, &before_); }

 private:
  rlimit before_{};
};

// ---- shutdown -------------------------------------------------------------------------

TEST(ProcessPoolShutdown, SHU_03_without_waiting_returns_and_lets_the_work_finish) {
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
  EXPECT_TRUE(worker.await_end());
}

TEST(ProcessPoolShutdown, SHU_03_lets_the_work_finish_that_has_no_worker_for_a_while) {
  SKIP_WITHOUT_DESCRIPTORS();
  Event begun;
  ProcessPoolExecutor pool(with_workers(1));
  const auto killed = pool.submit(hang, begun.name());
  const auto behind = pool.submit(increment, 1);
  begun.wait();
  pool.shutdown({.wait = false});
  const pid_t worker = pool.worker_pids().at(0);
  {
    const NoMoreDescriptors so_no_worker_can_be_started;
    kill(worker, SIGKILL);
    EXPECT_EQ(death_of(killed).pid, worker);
    while (!pool.worker_pids().empty()) std::this_thread::yield();
  }
  EXPECT_EQ(behind.result(), 2);
}

TEST(ProcessPoolShutdown, SHU_04_cancels_what_has_not_started) {
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

TEST(ProcessPoolShutdown, SHU_01_may_be_called_by_many_and_in_a_callback) {
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

TEST(ProcessPoolShutdown, waits_for_callbacks_too) {
  Event begun;
  Event may_end;
  std::atomic<bool> has_ended = false;
  const NewHoldings left;
  ProcessPoolExecutor pool(with_workers(1));
  pool.submit(increment, 1).add_done_callback([&](const Future<int>&) {
    begun.set();
    may_end.wait();
    has_ended = true;
  });
  begun.wait();
  pool.shutdown({.wait = false});
  // All else ends without the callback.
  while (left.count().mappings != 0) std::this_thread::yield();
  std::thread releases([&, waits = this_thread_id()] {
    await_sleep_of(waits);
    may_end.set();
  });
  pool.shutdown();
  EXPECT_TRUE(has_ended);
  releases.join();
}

TEST(ProcessPoolShutdown, SHU_11_leaves_nothing_behind) {
  const NewHoldings left;
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
    EXPECT_EQ(left.count(), kNothing);
  }
}

TEST(ProcessPoolShutdown, OfAnUnusedPoolLeavesNothingBehind) {
  const NewHoldings left;
  ProcessPoolExecutor pool(with_workers(2));
  pool.shutdown();
  EXPECT_EQ(left.count(), kNothing);
}

TEST(PoolZygote, LeavesNoChildBehind) {
  {
    ProcessPoolExecutor pool({.max_workers = 2});
    EXPECT_EQ(pool.submit(increment, 1).result(), 2);
  }
  // The zygote of main() is left, and nothing that has ended.
  EXPECT_EQ(waitpid(-1, nullptr, WNOHANG), 0);
}
// As process 1 of a container, which everybody's orphans go to.
TEST(PoolZygote, LeavesNoZombiesToASubreaperWhenItIsKilled) {
  SKIP_UNDER_TSAN("a child forked from a process with threads may not start threads");
  EXPECT_EQ(in_forked_child([]() -> std::string {
              prctl(PR_SET_CHILD_SUBREAPER, 1);
              {
                ProcessPoolExecutor pool({.max_workers = 2});
                const auto zygote = pool.submit(parents_pid);
                pool.submit(parents_pid).result();
                if (pool.worker_pids().empty()) return "no worker";
                kill(zygote.result(), SIGKILL);
              }
              return waitpid(-1, nullptr, WNOHANG) == -1 ? "" : "a zombie was left";
            }),
            "");
}

// ---- other processes ------------------------------------------------------------------

ProcessPoolExecutor* inherited_pool = nullptr;

int use_inherited_pool() { return inherited_pool->submit(increment, 1).result(); }

TEST(InheritedPool, PPE_11_refuses_to_be_used_in_a_worker) {
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

ProcessPoolOptions one_worker_by(StartMethod method) {
  ProcessPoolOptions options = with_workers(1);
  options.start_method = method;
  return options;
}

// cpython#111873
TEST(MainProcess, KilledTakesItsWorkersAndZygotesAlong) {
  for (const auto method : {StartMethod::PoolZygote, StartMethod::ProcessZygote}) {
    Mailbox pids;
    const pid_t main_process = fork();
    if (main_process == 0) {
      start_zygote();
      ProcessPoolExecutor pool(one_worker_by(method));
      pool.submit(report_and_hang, pids.name()).result();
      _exit(1);
    }
    const Watched zygote(pids.receive());
    const Watched worker(pids.receive());
    kill(main_process, SIGKILL);
    EXPECT_TRUE(worker.await_end());
    EXPECT_TRUE(zygote.await_end());
    waitpid(main_process, nullptr, 0);
  }
}

bool has_pidfds() {
  const int fd = static_cast<int>(syscall(SYS_pidfd_open, getpid(), 0));
  if (fd >= 0) close(fd);
  return fd >= 0;
}

TEST(MainProcess, KilledTakesThemAlongThoughAForkHasKeptItsSockets) {
  if (!has_pidfds()) GTEST_SKIP() << "the sockets alone tell of the end where there are no pidfds";
  for (const auto method : {StartMethod::PoolZygote, StartMethod::ProcessZygote}) {
    Mailbox pids;
    Mailbox fork_of_main;
    const pid_t main_process = fork();
    if (main_process == 0) {
      start_zygote();
      ProcessPoolExecutor pool(one_worker_by(method));
      const auto running = pool.submit(report_and_hang, pids.name());
      const pid_t keeps_sockets = fork();
      if (keeps_sockets == 0) {
        for (;;) pause();
      }
      fork_of_main.name().post(keeps_sockets);
      running.result();
      _exit(1);
    }
    const Watched zygote(pids.receive());
    const Watched worker(pids.receive());
    const pid_t keeps_sockets = fork_of_main.receive();
    kill(main_process, SIGKILL);
    EXPECT_TRUE(worker.await_end());
    EXPECT_TRUE(zygote.await_end());
    kill(keeps_sockets, SIGKILL);
    waitpid(main_process, nullptr, 0);
  }
}

TEST(MainProcess, KilledTakesAlongWhatItsTasksHaveForked) {
  Mailbox pids;
  const pid_t main_process = fork();
  if (main_process == 0) {
    start_zygote();
    ProcessPoolExecutor pool(with_workers(1));
    pool.submit(fork_and_hang, pids.name()).result();
    _exit(1);
  }
  const Watched forked(pids.receive());
  kill(main_process, SIGKILL);
  EXPECT_TRUE(forked.await_end());
  waitpid(main_process, nullptr, 0);
}

}  // namespace
}  // namespace poolmark::test
