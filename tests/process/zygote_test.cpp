#include "process/zygote.hpp"

#include <sys/wait.h>

#include "process/worker.hpp"
#include "process_pools.hpp"

namespace poolmark::detail {
namespace {

using test::Watched;

constexpr std::size_t kRingBytes = 4096;

void await_news(int fd) {
  pollfd watched{fd, POLLIN, 0};
  const auto limit = std::chrono::milliseconds(test::kWatchdog);
  EXPECT_EQ(poll(&watched, 1, static_cast<int>(limit.count())), 1);
}

ZygoteMessage await_message(Zygote& zygote) {
  await_news(zygote.socket());
  return zygote.receive().value_or(ZygoteMessage{});
}

class LargerThanARing final : public TypedState<int> {
 public:
  LargerThanARing() : record(*this, nullptr, true, nullptr) { record.bytes.extend(3 * kRingBytes); }
  TaskRecord record;
};

class ZygoteTest : public ::testing::TestWithParam<StartMethod> {
 protected:
  static Zygote start(const Bell& bell) {
    PoolPlan plan;
    plan.ring_bytes = kRingBytes;
    return Zygote::start(GetParam(), bell, plan);
  }

  Bell bell = Bell::create();
  Zygote zygote = start(bell);
  Worker worker{7, kRingBytes, std::nullopt};
};

TEST_P(ZygoteTest, StartsAWorkerAndReportsItsEnd) {
  ASSERT_TRUE(zygote.spawn(worker.id(), worker.take_memory_file()));
  const ZygoteMessage spawned = await_message(zygote);
  EXPECT_EQ(spawned.word, ZygoteWord::kSpawned);
  EXPECT_EQ(spawned.worker, 7U);
  worker.leave();
  if (const auto* word = worker.claim_wake()) futex_wake(word, 1, FutexScope::kShared);
  const ZygoteMessage exited = await_message(zygote);
  EXPECT_EQ(exited.word, ZygoteWord::kExited);
  EXPECT_EQ(exited.pid, spawned.pid);
  EXPECT_TRUE(WIFEXITED(exited.status));
  EXPECT_EQ(WEXITSTATUS(exited.status), 0);
}

TEST_P(ZygoteTest, StartsAWorkerThatRingsWhenThereIsRoomForTheRestOfACall) {
  ASSERT_TRUE(zygote.spawn(worker.id(), worker.take_memory_file()));
  await_message(zygote);
  const auto task = make_intrusive<LargerThanARing>();
  task->add_ref();  // the worker's
  bell.set_sleeper(PoolSleeper::kService);
  worker.send(task->record);
  ASSERT_TRUE(worker.is_sending());
  if (const auto* word = worker.claim_wake()) futex_wake(word, 1, FutexScope::kShared);
  await_news(bell.event());
  TaskList rest;
  worker.take_all(rest);
}

TEST_P(ZygoteTest, KillsAWorkerWhenTold) {
  ASSERT_TRUE(zygote.spawn(worker.id(), worker.take_memory_file()));
  await_message(zygote);
  zygote.kill(worker.id());
  const ZygoteMessage exited = await_message(zygote);
  EXPECT_TRUE(WIFSIGNALED(exited.status));
  EXPECT_EQ(WTERMSIG(exited.status), SIGKILL);
}

TEST_P(ZygoteTest, TakesItsWorkersWithItAndIsReaped) {
  ASSERT_TRUE(zygote.spawn(worker.id(), worker.take_memory_file()));
  const pid_t pid = await_message(zygote).pid;
  const pid_t zygote_pid = zygote.pid();
  zygote.stop();
  EXPECT_EQ(kill(pid, 0), -1);
  EXPECT_EQ(kill(zygote_pid, 0), -1);
}

TEST_P(ZygoteTest, KillsItsWorkersByDyingItself) {
  ASSERT_TRUE(zygote.spawn(worker.id(), worker.take_memory_file()));
  const Watched watched(await_message(zygote).pid);
  kill(zygote.pid(), SIGKILL);
  EXPECT_TRUE(watched.await_end());
}

TEST_P(ZygoteTest, NoticesThatTheZygoteIsGone) {
  kill(zygote.pid(), SIGKILL);
  await_message(zygote);
  EXPECT_TRUE(zygote.is_gone());
}

INSTANTIATE_TEST_SUITE_P(BothMethods, ZygoteTest,
                         ::testing::Values(StartMethod::PoolZygote, StartMethod::ProcessZygote),
                         [](const auto& method) {
                           return method.param == StartMethod::PoolZygote ? "PoolZygote"
                                                                          : "ProcessZygote";
                         });

}  // namespace
}  // namespace poolmark::detail
