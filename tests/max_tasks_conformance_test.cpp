#include <unistd.h>

#include <map>

#include "executors.hpp"

// max_tasks_per_child, which only the process pool has. The rules: "ProcessPoolExecutor" of
// Python's documentation.
namespace poolmark::test {
namespace {

ProcessPoolOptions recycling(int workers, int max_tasks) {
  return {.max_workers = workers,
          .max_tasks_per_child = max_tasks,
          .start_method = StartMethod::ProcessZygote};
}

TEST(MaxTasksConformance, MTC_01_a_worker_runs_exactly_so_many_tasks) {
  ProcessPoolExecutor pool(recycling(1, 3));
  std::map<pid_t, int> tasks_of;
  for (int i = 0; i < 9; ++i) ++tasks_of[pool.submit(getpid).result()];
  EXPECT_EQ(tasks_of.size(), 3U);
  for (const auto& [pid, tasks] : tasks_of) EXPECT_EQ(tasks, 3) << "worker " << pid;
  EXPECT_EQ(pool.max_workers(), 1);
}

TEST(MaxTasksConformance, MTC_01_is_exact_while_a_backlog_waits) {
  ProcessPoolExecutor pool(recycling(1, 2));
  std::vector<Future<pid_t>> futures;
  for (int i = 0; i < 7; ++i) futures.push_back(pool.submit(getpid));
  std::map<pid_t, int> tasks_of;
  for (const auto& future : futures) ++tasks_of[future.result()];
  EXPECT_EQ(tasks_of.size(), 4U);
  for (const auto& [pid, tasks] : tasks_of) EXPECT_LE(tasks, 2) << "worker " << pid;
}

// CPython refuses it with fork, and spawns instead.
TEST(MaxTasksConformance, MTC_02_both_start_methods_recycle) {
  ProcessPoolExecutor pool({.max_workers = 1, .max_tasks_per_child = 1});
  const pid_t first = pool.submit(getpid).result();
  EXPECT_NE(pool.submit(getpid).result(), first);
}

TEST(MaxTasksConformance, MTC_03_a_number_below_one_is_refused) {
  EXPECT_THROW_WITH(ProcessPoolExecutor(recycling(1, 0)), std::invalid_argument, "is 0");
  EXPECT_THROW_WITH(ProcessPoolExecutor(recycling(1, -2)), std::invalid_argument, "is -2");
}

TEST(MaxTasksConformance, MTC_04_a_backlog_flows_on_across_recycling) {
  ProcessPoolExecutor pool(recycling(2, 2));
  std::vector<Future<int>> futures;
  for (int i = 0; i < 40; ++i) futures.push_back(pool.submit(square, i));
  for (int i = 0; i < 40; ++i) {
    EXPECT_EQ(futures[static_cast<std::size_t>(i)].result(), i * i);
  }
}

TEST(MaxTasksConformance, MTC_05_shutting_down_early_finishes_all) {
  ProcessPoolExecutor pool(recycling(3, 1));
  std::vector<Future<int>> futures;
  for (int i = 0; i < 20; ++i) futures.push_back(pool.submit(square, i));
  pool.shutdown();
  for (const auto& future : futures) EXPECT_TRUE(future.done() && !future.exception());
}

TEST(MaxTasksConformance, MTC_06_accepted_work_is_finished_though_the_pool_is_gone) {
  std::vector<Future<int>> futures;
  {
    ProcessPoolExecutor pool(recycling(1, 2));
    for (int i = 0; i < 20; ++i) futures.push_back(pool.submit(square, i));
    pool.shutdown({.wait = false});
  }
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(futures[static_cast<std::size_t>(i)].result(), i * i);
  }
}

TEST(MaxTasksConformance, SHU_14_recycling_failing_tasks_and_an_impatient_shutdown_end_well) {
  std::vector<Future<int>> futures;
  {
    ProcessPoolExecutor pool(recycling(2, 1));
    for (int i = 0; i < 10; ++i) {
      futures.push_back(pool.submit(throw_out_of_range, i));
      futures.push_back(pool.submit(square, i));
    }
    pool.shutdown({.wait = false});
  }
  for (std::size_t i = 0; i < futures.size(); ++i) {
    EXPECT_EQ(futures[i].exception() != nullptr, i % 2 == 0);
  }
}

}  // namespace
}  // namespace poolmark::test
