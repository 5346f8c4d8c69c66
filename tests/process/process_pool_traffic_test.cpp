#include <csignal>

#include "process_pools.hpp"

// How many bytes have crossed between a pool and its workers.
namespace poolmark::test {
namespace {

std::string echo(std::string text) { return text; }
std::string repeat(std::size_t bytes) { return std::string(bytes, 'x'); }

/// What one call of `function` adds.
template <class F, class... Args>
ProcessTraffic traffic_of(ProcessPoolExecutor& pool, F function, const Args&... args) {
  const ProcessTraffic before = pool.traffic();
  pool.submit(function, args...).result();
  const ProcessTraffic after = pool.traffic();
  return {after.sent_bytes - before.sent_bytes, after.received_bytes - before.received_bytes};
}

TEST(ProcessPoolTraffic, IsWhatTasksBringAndTakeHome) {
  ProcessPoolExecutor pool(with_workers(1));
  EXPECT_EQ(pool.traffic(), ProcessTraffic());
  // Small ones cross in a cell, middling ones through the ring, large ones in a memory file.
  const ProcessTraffic least = traffic_of(pool, echo, std::string());
  EXPECT_GE(least.sent_bytes, sizeof(&echo));
  for (const std::size_t bytes : {std::size_t{10}, std::size_t{10'000}, std::size_t{10'000'000}}) {
    const ProcessTraffic crossed = traffic_of(pool, echo, std::string(bytes, 'x'));
    EXPECT_EQ(crossed.sent_bytes, least.sent_bytes + bytes);
    EXPECT_EQ(crossed.received_bytes, least.received_bytes + bytes);
  }
}

TEST(ProcessPoolTraffic, TellsBothWaysApart) {
  ProcessPoolExecutor pool(with_workers(1));
  const ProcessTraffic little = traffic_of(pool, repeat, std::size_t{0});
  const ProcessTraffic much = traffic_of(pool, repeat, std::size_t{5000});
  EXPECT_EQ(much.sent_bytes, little.sent_bytes);
  EXPECT_EQ(much.received_bytes, little.received_bytes + 5000);
}

TEST(ProcessPoolTraffic, OutlastsTheWorkersAndThePool) {
  ProcessPoolExecutor pool({.max_workers = 1, .max_tasks_per_child = 1});
  const ProcessTraffic one = traffic_of(pool, increment, 1);
  for (int i = 0; i < 3; ++i) pool.submit(increment, i).result();
  pool.shutdown();
  EXPECT_EQ(pool.traffic(), ProcessTraffic({4 * one.sent_bytes, 4 * one.received_bytes}));
}

TEST(ProcessPoolTraffic, IsNoneInAForkedChild) {
  ProcessPoolExecutor pool(with_workers(1));
  const ProcessTraffic one = traffic_of(pool, increment, 1);
  EXPECT_EQ(in_forked_child([&]() -> std::string {
              return pool.traffic() == ProcessTraffic() ? "" : "it tells the parent's";
            }),
            "");
  EXPECT_EQ(pool.traffic(), one);
}

// What a worker took and never answered may have been read or not.
TEST(ProcessPoolTraffic, IsOfAnsweredTasksOnly) {
  ProcessPoolExecutor pool(with_workers(1));
  const ProcessTraffic one = traffic_of(pool, increment, 1);
  EXPECT_THROW(pool.submit([] { raise(SIGKILL); }).result(), WorkerDied);
  EXPECT_EQ(pool.traffic(), one);
}

// A task that may be run again keeps its call apart from the answer.
TEST(ProcessPoolTraffic, IsTheSameWithRetries) {
  ProcessPoolExecutor plain({.max_workers = 1});
  ProcessPoolExecutor retrying({.max_workers = 1, .retries_after_worker_death = 1});
  for (const std::size_t bytes : {std::size_t{10}, std::size_t{10'000'000}}) {
    const std::string text(bytes, 'x');
    EXPECT_EQ(traffic_of(plain, echo, text), traffic_of(retrying, echo, text));
  }
}

// Which worker a task is moved to, and back, says nothing about the task.
TEST(ProcessPoolTraffic, IsTheSameHoweverTasksAreDealtOut) {
  const auto crossed_with = [](int workers) {
    ProcessPoolExecutor pool(with_workers(workers));
    std::vector<Future<int>> futures;
    for (int i = 0; i < 2000; ++i) futures.push_back(pool.submit(increment, i));
    for (const Future<int>& future : futures) future.result();
    return pool.traffic();
  };
  EXPECT_EQ(crossed_with(1), crossed_with(3));
}

}  // namespace
}  // namespace poolmark::test
