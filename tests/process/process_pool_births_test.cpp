#include <fcntl.h>
#include <pthread.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <future>
#include <optional>
#include <set>
#include <thread>
#include <utility>

#include "descendants.hpp"
#include "poolmark/executor.hpp"
#include "process/child_process.hpp"
#include "process/owned_fd.hpp"
#include "process_pools.hpp"

// Options, initializers, and where workers come from.
namespace poolmark::test {
namespace {

[[maybe_unused]] int threads_of_parent() {
  const std::filesystem::directory_iterator threads("/proc/" + std::to_string(getppid()) + "/task");
  return static_cast<int>(std::distance(begin(threads), end(threads)));
}

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

TEST(ProcessPoolOptions, PPE_01_make_a_worker_a_usable_cpu_if_they_say_nothing) {
  ProcessPoolOptions options;
  options.start_method = StartMethod::ProcessZygote;
  EXPECT_EQ(ProcessPoolExecutor(options).max_workers(), usable_cpus());
}

TEST(ProcessPoolOptions, PPE_08_choose_the_zygote_that_workers_come_from) {
  EXPECT_EQ(ProcessPoolOptions().start_method, StartMethod::PoolZygote);
  for (const auto method : {StartMethod::PoolZygote, StartMethod::ProcessZygote}) {
    ProcessPoolOptions options = with_workers(1);
    options.start_method = method;
    ProcessPoolExecutor pool(options);
    // Forked by a process of one thread, never by this one.
    EXPECT_NE(pool.submit(parents_pid).result(), getpid());
#ifndef POOLMARK_TEST_UNDER_TSAN  // has a thread of its own in every process
    EXPECT_EQ(pool.submit(threads_of_parent).result(), 1);
#endif
  }
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

TEST(ProcessInitializer, INI_01_runs_in_every_worker_replacements_included) {
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

TEST(ProcessInitializer, INI_02_that_throws_breaks_the_pool_with_its_text) {
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

TEST(ProcessInitializer, INI_04_that_throws_leaves_no_process_behind) {
  const auto processes = [] { return descendants_and("nobody").size(); };
  EXPECT_EQ(ProcessPoolExecutor(with_workers(1)).submit(increment, 1).result(), 2);
  const std::size_t before = processes();
  {
    ProcessPoolOptions options = with_workers(2);
    options.initializer = [] { throw std::runtime_error("no licence"); };
    ProcessPoolExecutor pool(options);
    EXPECT_TRUE(pool.submit(increment, 1).exception());
  }
  EXPECT_EQ(processes(), before);
}

TEST(ProcessInitializer, ThatEndsTheWorkerBreaksThePoolToo) {
  ProcessPoolOptions options = with_workers(1);
  options.initializer = [] { std::exit(4); };
  ProcessPoolExecutor pool(options);
  EXPECT_THROW(pool.submit(increment, 1).result(), BrokenProcessPool);
}
// ---- zygotes --------------------------------------------------------------------------

TEST(PoolZygote, SeesTheGlobalsAsTheyWereWhenThePoolWasMade) {
  set_by_initializer = 7;
  ProcessPoolExecutor pool({.max_workers = 1});
  set_by_initializer = 8;
  EXPECT_EQ(pool.submit([] { return set_by_initializer; }).result(), 7);
  set_by_initializer = 0;
}

/// A thread that sleeps: one that asks for memory at the moment of a fork would leave the zygote
/// with a locked allocator under the address sanitizer.
class SleepingThread {
 public:
  SleepingThread() { await_sleep_of(id_.get_future().get()); }
  SleepingThread(const SleepingThread&) = delete;
  SleepingThread& operator=(const SleepingThread&) = delete;
  ~SleepingThread() {
    may_end_.set();
    thread_.join();
  }

 private:
  Event may_end_;
  std::promise<int> id_;
  std::thread thread_{[this] {
    id_.set_value(this_thread_id());
    may_end_.wait();
  }};
};

TEST(PoolZygote, WorksInAProcessWithThreads) {
  SKIP_UNDER_TSAN("a child forked from a process with threads may not fork or start threads");
  const SleepingThread other;
  ProcessPoolExecutor pool({.max_workers = 2});
  EXPECT_EQ(pool.submit(increment, 1).result(), 2);
}

TEST(PoolZygote, WarnsWhoeverForksAProcessWithThreads) {
  SKIP_UNDER_TSAN("a child forked from a process with threads may not fork or start threads");
  const auto make_pool_beside_a_thread = [] {
    {
      const SleepingThread other;
      const ProcessPoolExecutor pool({.max_workers = 1});
    }
    std::exit(0);
  };
  // In a program started anew: it is said once in a process.
  EXPECT_EXIT(make_pool_beside_a_thread(), ::testing::ExitedWithCode(0),
              "ProcessPoolExecutor .* forks a process that already has threads");
}

int blocked_signals() {
  sigset_t mask;
  sigprocmask(SIG_SETMASK, nullptr, &mask);
  int blocked = 0;
  for (int signal = 1; signal < NSIG; ++signal) blocked += sigismember(&mask, signal) == 1 ? 1 : 0;
  return blocked;
}

TEST(PoolZygote, HandsDownNoBlockedSignals) {
  std::optional<ProcessPoolExecutor> pool;
  {
    const detail::AllSignalsBlocked here;
    pool.emplace(ProcessPoolOptions{.max_workers = 1});
  }
  EXPECT_EQ(pool->submit(blocked_signals).result(), 0);
}

TEST(PoolZygote, HandsDownNoDescriptors) {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  // Above all that a worker needs.
  const int highest = static_cast<int>(std::min<rlim_t>(limit.rlim_cur, 1024)) - 1;
  const detail::OwnedFd kept_by_none(fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, highest));
  ASSERT_EQ(kept_by_none.get(), highest);
  ProcessPoolExecutor pool({.max_workers = 1});
  EXPECT_EQ(pool.submit([](int fd) { return fcntl(fd, F_GETFD); }, highest).result(), -1);
}

int sockets_here() {
  int sockets = 0;
  for (int fd = STDERR_FILENO + 1; fd < 64; ++fd) {
    struct stat about {};
    sockets += fstat(fd, &about) == 0 && S_ISSOCK(about.st_mode) ? 1 : 0;
  }
  return sockets;
}

TEST(PoolZygote, KeepsItsSocketFromItsWorkers) {
  EXPECT_EQ(ProcessPoolExecutor({.max_workers = 1}).submit(sockets_here).result(), 0);
}

/// What a child of this process that runs `work` writes to its standard output.
std::string printed_by(void (*work)()) {
  int ends[2];
  if (pipe(ends) != 0) return "no pipe";
  const pid_t child = fork();
  if (child == 0) {
    dup2(ends[1], STDOUT_FILENO);
    work();
    std::fflush(stdout);
    _exit(0);
  }
  close(ends[1]);
  std::string printed = read_to_end(ends[0]);
  close(ends[0]);
  waitpid(child, nullptr, 0);
  return printed;
}

TEST(PoolZygote, PrintsNothingTwice) {
  const std::string printed = printed_by([] {
    std::printf("before;");
    {
      ProcessPoolExecutor pool({.max_workers = 2});
      pool.submit([] { std::printf("task;"); }).result();
    }
    std::printf("after;");
  });
  // The worker prints when it ends, which is before the pool is gone.
  EXPECT_EQ(printed, "before;task;after;");
}

void print_meanwhile() {
  static bool was_here = false;  // a zygote forks too, and has inherited that
  if (!std::exchange(was_here, true)) std::printf("meanwhile;");
}

TEST(PoolZygote, PrintsNothingTwiceThatIsWrittenWhileItIsForked) {
  const std::string printed = printed_by([] {
    // In the place of another thread, which may write between the last look at what is buffered and
    // the fork.
    pthread_atfork(print_meanwhile, nullptr, nullptr);
    ProcessPoolExecutor pool({.max_workers = 1});
    pool.submit([] { std::printf("task;"); }).result();
  });
  EXPECT_EQ(printed, "task;meanwhile;");
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
