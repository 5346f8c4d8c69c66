#include "shared_core.hpp"

#include <gtest/gtest.h>
#include <sched.h>

#include <thread>

// A worker that leaves its submitter's core.
namespace poolmark::test {
namespace {

cpu_set_t allowed_here() {
  cpu_set_t cpus;
  CPU_ZERO(&cpus);
  EXPECT_EQ(sched_getaffinity(0, sizeof cpus, &cpus), 0);
  return cpus;
}

TEST(SharedCore, who_moved_away_may_come_back) {
  // Many times what makes it move, should the kernel move it meanwhile.
  constexpr int kTasks = 1000;
  std::jthread([] {
    const cpu_set_t before = allowed_here();
    detail::SharedCore core;
    for (int i = 0; i < kTasks; ++i) core.note_task_from(sched_getcpu());
    const cpu_set_t after = allowed_here();
    EXPECT_TRUE(CPU_EQUAL(&before, &after));
  }).join();
}

}  // namespace
}  // namespace poolmark::test
