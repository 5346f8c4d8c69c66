#include <atomic>
#include <numeric>
#include <set>
#include <thread>

#include "process_pools.hpp"

// What tasks see and how they are dealt out, as far as only the process pool does it.
namespace poolmark::test {
namespace {

TEST(ProcessPoolTasks, RunInAnotherProcess) {
  ProcessPoolExecutor pool(with_workers(1));
  EXPECT_NE(pool.submit(own_pid).result(), getpid());
}

TEST(ProcessPoolTasks, ComeBackInGreatNumbers) {
  ProcessPoolExecutor pool(with_workers(2));
  constexpr int kTasks = 20'000;
  std::vector<Future<int>> futures;
  for (int i = 0; i < kTasks; ++i) futures.push_back(pool.submit(increment, i));
  for (int i = 0; i < kTasks; ++i) ASSERT_EQ(futures[static_cast<std::size_t>(i)].result(), i + 1);
}

TEST(ProcessPoolTasks, ComeFromManyThreads) {
  ProcessPoolExecutor pool(with_workers(2));
  std::vector<long> sums(4);
  std::vector<std::thread> threads;
  for (long& sum : sums) {
    threads.emplace_back([&] {
      std::vector<Future<int>> futures;
      for (int i = 0; i < 1000; ++i) futures.push_back(pool.submit(increment, i));
      for (const auto& future : futures) sum += future.result();
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(sums, std::vector<long>(4, 500'500));
}

// ---- payloads -------------------------------------------------------------------------

std::vector<double> doubled(std::vector<double> numbers) {
  for (double& number : numbers) number *= 2;
  return numbers;
}

TEST(ProcessPoolTasks, CarryPayloadsMuchLargerThanTheRings) {
  ProcessPoolExecutor pool(with_workers(1));
  std::vector<double> numbers(1 << 20);
  std::iota(numbers.begin(), numbers.end(), 0.0);
  const std::vector<double> result = pool.submit(doubled, numbers).result();
  EXPECT_EQ(result, doubled(numbers));
}

// More bytes than both rings of a worker hold, both ways at once: whoever blocked while the other
// side is full would block for ever.
TEST(ProcessPoolTasks, CarryManyPayloadsAtOnce) {
  ProcessPoolExecutor pool(with_workers(2));
  constexpr std::size_t kBytes = 100 << 10;
  const auto echo = [](std::string text) { return text; };
  std::vector<Future<std::string>> futures;
  for (int i = 0; i < 64; ++i) {
    futures.push_back(pool.submit(echo, std::string(kBytes, static_cast<char>('a' + i % 26))));
  }
  for (int i = 0; i < 64; ++i) {
    EXPECT_EQ(futures[static_cast<std::size_t>(i)].result(),
              std::string(kBytes, static_cast<char>('a' + i % 26)));
  }
}

TEST(ProcessPoolTasks, DeliverLargeResultsThatNobodyWaitsFor) {
  Mailbox done;
  ProcessPoolExecutor pool(with_workers(1));
  auto future = pool.submit([] { return std::string(4 << 20, 'r'); });
  future.add_done_callback([name = done.name()](const Future<std::string>& finished) {
    name.post(static_cast<int>(finished.result().size()));
  });
  EXPECT_EQ(done.receive(), 4 << 20);
}

// ---- cancelling -----------------------------------------------------------------------

class Cancelling : public ::testing::Test {
 protected:
  Cancelling() { teach_that_tasks_are_short(pool); }
  ~Cancelling() override { may_end.set(); }

  Future<int> held() {
    auto future = pool.submit(hold, begun.name(), may_end.name());
    begun.wait();
    return future;
  }

  Event begun;
  Event may_end;
  Mailbox ran;
  ProcessPoolExecutor pool{with_workers(1)};
};

int say(MailboxName box, int what) {
  box.post(what);
  return what;
}

TEST_F(Cancelling, PPE_13_is_exact_until_the_worker_has_taken_the_task) {
  const auto running = held();
  const auto first = pool.submit(say, ran.name(), 1);
  const auto second = pool.submit(say, ran.name(), 2);
  EXPECT_TRUE(running.running());
  EXPECT_FALSE(running.cancel());
  EXPECT_FALSE(first.running());
  EXPECT_TRUE(first.cancel());
  EXPECT_TRUE(first.cancel());
  EXPECT_TRUE(first.cancelled());
  may_end.set();
  EXPECT_EQ(second.result(), 2);
  EXPECT_EQ(ran.receive(), 2);
  EXPECT_EQ(ran.size(), 0);
}

TEST_F(Cancelling, WakesAThreadThatWaits) {
  const auto running = held();
  const auto waiting = pool.submit(say, ran.name(), 1);
  Event about_to_wait;
  std::atomic<int> waiter_id = 0;
  std::thread waiter([&] {
    waiter_id = this_thread_id();
    about_to_wait.set();
    EXPECT_THROW(waiting.result(), CancelledError);
  });
  about_to_wait.wait();
  await_sleep_of(waiter_id);
  EXPECT_TRUE(waiting.cancel());
  waiter.join();
}

TEST_F(Cancelling, OfManyLeavesRoomForMore) {
  const auto running = held();
  // More than a worker has cells: each must be free for the next.
  for (int i = 0; i < 2000; ++i) ASSERT_TRUE(pool.submit(say, ran.name(), i).cancel());
  const auto last = pool.submit(say, ran.name(), -1);
  may_end.set();
  EXPECT_EQ(last.result(), -1);
  EXPECT_EQ(ran.receive(), -1);
  EXPECT_EQ(ran.size(), 0);
}

// ---- workers --------------------------------------------------------------------------

TEST(ProcessPoolWorkers, PPE_07_start_on_demand_and_are_reused) {
  ProcessPoolExecutor pool(with_workers(4));
  EXPECT_THAT(pool.worker_pids(), ::testing::IsEmpty());
  const int first = pool.submit(own_pid).result();
  EXPECT_EQ(pool.submit(own_pid).result(), first);
  EXPECT_THAT(pool.worker_pids(), ::testing::ElementsAre(first));
}

TEST(ProcessPoolWorkers, PPE_06_are_never_more_than_asked) {
  Event begun;
  Event may_end;
  ProcessPoolExecutor pool(with_workers(3));
  std::vector<Future<int>> futures;
  for (int i = 0; i < 50; ++i) futures.push_back(pool.submit(hold, begun.name(), may_end.name()));
  EXPECT_EQ(pool.worker_pids().size(), 3U);
  may_end.set();
  std::set<int> pids;
  for (const auto& future : futures) pids.insert(future.result());
  EXPECT_LE(pids.size(), 3U);
}

// A task must not wait behind a long one while somebody has nothing to do.
TEST(ProcessPoolWorkers, TakeWhatWaitsBehindALongTask) {
  ProcessPoolExecutor pool(with_workers(2));
  teach_that_tasks_are_short(pool);
  Event first_begun;
  Event second_begun;
  Event first_may_end;
  Event second_may_end;
  const auto first = pool.submit(hold, first_begun.name(), first_may_end.name());
  const auto second = pool.submit(hold, second_begun.name(), second_may_end.name());
  first_begun.wait();
  second_begun.wait();
  // Both have some of these queued behind what they run.
  std::vector<Future<int>> futures;
  for (int i = 0; i < 20; ++i) futures.push_back(pool.submit(increment, i));
  second_may_end.set();
  for (int i = 0; i < 20; ++i) EXPECT_EQ(futures[static_cast<std::size_t>(i)].result(), i + 1);
  EXPECT_TRUE(first.running());
  first_may_end.set();
}

TEST(ProcessPoolWorkers, CountTheirCpuTime) {
  ProcessPoolExecutor pool(with_workers(1));
  const auto burn = [](long nanoseconds) {
    timespec used{};
    do {
      clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    } while (used.tv_nsec < nanoseconds && used.tv_sec == 0);
  };
  pool.submit(burn, 20'000'000L).result();
  EXPECT_GE(pool.worker_cpu_time(), std::chrono::milliseconds(20));
  kill(pool.worker_pids().at(0), SIGKILL);
  EXPECT_NE(pool.submit(own_pid).result(), 0);
  EXPECT_GE(pool.worker_cpu_time(), std::chrono::milliseconds(20));
}

// The thread that waits collects the answers to all tasks before its own, and there is always one.
TEST(ProcessPoolWorkers, DoNotKeepAThreadWhoseTimeIsOver) {
  const auto take_a_moment = [] {
    const auto end = std::chrono::steady_clock::now() + std::chrono::microseconds(20);
    while (std::chrono::steady_clock::now() < end) continue;
  };
  for (int round = 0; round < 8; ++round) {
    ProcessPoolExecutor pool(with_workers(2));
    std::vector<Future<void>> futures;
    for (int i = 0; i < 5'000; ++i) futures.push_back(pool.submit(take_a_moment));
    EXPECT_THROW(futures.back().result(std::chrono::milliseconds(1)), TimeoutError);
    pool.shutdown({.wait = true, .cancel_futures = true});
  }
}

// A second thread that waits while the first one drains, and callbacks that wait themselves.
TEST(ProcessPoolWorkers, ServeSeveralWaitingThreadsAndCallbacks) {
  ProcessPoolExecutor pool(with_workers(2));
  Mailbox sums;
  for (int round = 0; round < 20; ++round) {
    auto outer = pool.submit(increment, round);
    outer.add_done_callback([&pool, box = sums.name()](const Future<int>& done) {
      box.post(pool.submit(increment, done.result()).result());
    });
    std::thread other([&] { EXPECT_EQ(pool.submit(increment, 5).result(), 6); });
    EXPECT_EQ(outer.result(), round + 1);
    other.join();
    EXPECT_EQ(sums.receive(), round + 2);
  }
}

}  // namespace
}  // namespace poolmark::test
