#include <sched.h>
#include <sys/wait.h>

#include <csignal>
#include <map>
#include <new>
#include <set>

#include "process_pools.hpp"

// Limits and places of workers, and Ctrl-C.
namespace poolmark::test {
namespace {

using ::testing::HasSubstr;

std::string refusal_of(const ProcessPoolOptions& options) {
  try {
    ProcessPoolExecutor pool(options);
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return "not refused";
}

// ---- max_tasks_jitter -----------------------------------------------------------------

TEST(MaxTasksJitter, LetsWorkersEndEarlierByUpToSoMany) {
  constexpr int kTasks = 400;
  ProcessPoolOptions options = with_workers(1);
  options.max_tasks_per_child = 8;
  options.max_tasks_jitter = 5;
  ProcessPoolExecutor pool(options);
  std::vector<int> lives;
  pid_t last = 0;
  for (int i = 0; i < kTasks; ++i) {
    const pid_t pid = pool.submit(own_pid).result();
    if (pid != last) lives.push_back(0);
    ++lives.back();
    last = pid;
  }
  lives.pop_back();  // it has not ended
  for (const int tasks : lives) {
    EXPECT_GE(tasks, 3);
    EXPECT_LE(tasks, 8);
  }
  // Some fifty lives of six equally likely lengths: all alike by chance happens to nobody.
  EXPECT_GT(std::set<int>(lives.begin(), lives.end()).size(), 1U);
}

TEST(MaxTasksJitter, OutOfRangeIsRefused) {
  ProcessPoolOptions options = with_workers(1);
  options.max_tasks_jitter = 1;
  EXPECT_THAT(refusal_of(options), HasSubstr("less than max_tasks_per_child"));
  options.max_tasks_per_child = 1;
  EXPECT_THAT(refusal_of(options), HasSubstr("max_tasks_jitter is 1"));
  options.max_tasks_jitter = -1;
  EXPECT_THAT(refusal_of(options), HasSubstr("max_tasks_jitter is -1"));
}

// ---- memory_limit ---------------------------------------------------------------------

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kUnderSanitizer = true;
#elif defined(__has_feature)
constexpr bool kUnderSanitizer =
    __has_feature(address_sanitizer) || __has_feature(thread_sanitizer);
#else
constexpr bool kUnderSanitizer = false;
#endif

std::size_t allocate(std::size_t bytes) { return std::vector<char>(bytes, 'x').size(); }

TEST(MemoryLimit, GivesATaskThatWantsMoreABadAlloc) {
  if (kUnderSanitizer) GTEST_SKIP() << "sanitizers map more memory than any limit allows";
  ProcessPoolOptions options = with_workers(1);
  options.memory_limit = std::size_t{512} << 20;
  ProcessPoolExecutor pool(options);
  const pid_t pid = pool.submit(own_pid).result();
  EXPECT_THROW(pool.submit(allocate, std::size_t{1} << 30).result(), std::bad_alloc);
  EXPECT_EQ(pool.submit(allocate, std::size_t{1} << 20).result(), std::size_t{1} << 20);
  EXPECT_EQ(pool.submit(own_pid).result(), pid) << "the task fails, and nothing else";
}

TEST(MemoryLimit, OfNothingIsRefused) {
  ProcessPoolOptions options = with_workers(1);
  options.memory_limit = 0;
  EXPECT_THAT(refusal_of(options), HasSubstr("memory_limit is 0"));
}

// ---- cpu_affinity ---------------------------------------------------------------------

std::vector<int> usable_cpu_numbers() {
  std::vector<int> cpus;
  cpu_set_t mask;
  CPU_ZERO(&mask);
  sched_getaffinity(0, sizeof mask, &mask);
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(static_cast<unsigned>(cpu), &mask)) cpus.push_back(cpu);
  }
  return cpus;
}

/// Or one, where there is no second.
std::vector<int> two_usable_cpus() {
  std::vector<int> two;
  for (const int cpu : usable_cpu_numbers()) {
    if (two.size() < 2) two.push_back(cpu);
  }
  return two;
}

std::vector<int> cpus_while_held(EventName begun, EventName may_end) {
  hold(begun, may_end);
  return usable_cpu_numbers();
}

TEST(CpuAffinity, BindsEachWorkerToOneOfTheCpus) {
  ProcessPoolOptions options = with_workers(4);
  options.cpu_affinity = two_usable_cpus();
  ProcessPoolExecutor pool(options);
  std::map<int, std::size_t> workers_on;
  Event may_end;
  std::array<Event, 4> begun;
  std::vector<Future<std::vector<int>>> futures;
  for (const Event& event : begun) {
    futures.push_back(pool.submit(cpus_while_held, event.name(), may_end.name()));
  }
  for (const Event& event : begun) event.wait();
  may_end.set();
  for (auto& future : futures) {
    const auto cpus = future.result();
    ASSERT_EQ(cpus.size(), 1U);
    ++workers_on[cpus[0]];
  }
  for (const int cpu : options.cpu_affinity) {
    EXPECT_EQ(workers_on[cpu], 4 / options.cpu_affinity.size());
  }
}

TEST(CpuAffinity, GivesAReplacementThePlaceThatIsFree) {
  ProcessPoolOptions options = with_workers(2);
  options.cpu_affinity = two_usable_cpus();
  if (options.cpu_affinity.size() < 2) GTEST_SKIP() << "needs two CPUs";
  ProcessPoolExecutor pool(options);
  Event begun;
  Event may_end;
  const auto holder = pool.submit(cpus_while_held, begun.name(), may_end.name());
  begun.wait();
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(pool.submit(usable_cpu_numbers).result(), std::vector{options.cpu_affinity[1]});
    EXPECT_THROW(pool.submit(raise, SIGKILL).result(), WorkerDied);
  }
  may_end.set();
  EXPECT_EQ(holder.result(), std::vector{options.cpu_affinity[0]});
}

TEST(CpuAffinity, ToACpuThatIsNotUsableIsRefusedByName) {
  ProcessPoolOptions options = with_workers(1);
  for (const int cpu : {-1, 60000, 1 << 30}) {
    options.cpu_affinity = {usable_cpu_numbers()[0], cpu};
    EXPECT_THAT(refusal_of(options), HasSubstr("CPU " + std::to_string(cpu)));
  }
}

TEST(CpuAffinity, IsRefusedWithAListOfTheCpusThereAre) {
  ProcessPoolOptions options = with_workers(1);
  options.cpu_affinity = {-1};
  std::string list;
  for (const int cpu : usable_cpu_numbers()) {
    list += (list.empty() ? "" : ", ") + std::to_string(cpu);
  }
  EXPECT_THAT(refusal_of(options), ::testing::EndsWith("it may use " + list));
}

// ---- worker_number() ------------------------------------------------------------------

TEST(WorkerNumber, CountsTheWorkersOfAPool) {
  const auto number = [] { return worker_number().value(); };
  ProcessPoolExecutor pool(with_workers(1));
  EXPECT_EQ(pool.submit(number).result(), 0U);
  EXPECT_THROW(pool.submit(raise, SIGKILL).result(), WorkerDied);
  EXPECT_EQ(pool.submit(number).result(), 1U);
  EXPECT_EQ(worker_number(), std::nullopt);
}

// ---- Ctrl-C ---------------------------------------------------------------------------

int report_and_hold(MailboxName pids, EventName may_end) {
  pids.post(getppid());
  pids.post(getpid());
  may_end.wait();
  return 7;
}

/// What a terminal does: SIGINT to every process of the foreground group.
void press_control_c(pid_t group) { kill(-group, SIGINT); }

TEST(ControlC, OfAMainProcessThatDiesOfItEndsEverything) {
  for (const auto method : {StartMethod::PoolZygote, StartMethod::ProcessZygote}) {
    Mailbox pids;
    Event never;
    const pid_t main_process = fork();
    if (main_process == 0) {
      setpgid(0, 0);
      std::signal(SIGINT, SIG_DFL);
      start_zygote();
      ProcessPoolOptions options = with_workers(1);
      options.start_method = method;
      ProcessPoolExecutor pool(options);
      pool.submit(report_and_hold, pids.name(), never.name()).result();
      _exit(1);
    }
    const Watched zygote(pids.receive());
    const Watched worker(pids.receive());
    press_control_c(main_process);
    EXPECT_TRUE(worker.await_end());
    EXPECT_TRUE(zygote.await_end());
    int status = 0;
    waitpid(main_process, &status, 0);
    EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGINT);
  }
}

volatile std::sig_atomic_t interrupted = 0;

TEST(ControlC, OfAMainProcessThatHandlesItLetsWorkersGoOn) {
  Mailbox pids;
  Event may_end;
  const pid_t main_process = fork();
  if (main_process == 0) {
    setpgid(0, 0);
    start_zygote();
    std::signal(SIGINT, [](int) { interrupted = 1; });
    ProcessPoolExecutor pool(with_workers(1));
    const auto task = pool.submit(report_and_hold, pids.name(), may_end.name());
    _exit(task.result() == 7 && interrupted == 1 ? 0 : 1);
  }
  pids.receive(2);
  press_control_c(main_process);
  may_end.set();
  int status = 0;
  waitpid(main_process, &status, 0);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
}

int interrupt_this_process() {
  std::raise(SIGINT);
  return 7;
}

TEST(ControlC, ThatReachesAWorkerIsTheMainProcessesBusiness) {
  for (const auto method : {StartMethod::PoolZygote, StartMethod::ProcessZygote}) {
    ProcessPoolOptions options = with_workers(1);
    options.start_method = method;
    ProcessPoolExecutor pool(options);
    EXPECT_EQ(pool.submit(interrupt_this_process).result(), 7);
  }
}

}  // namespace
}  // namespace poolmark::test
