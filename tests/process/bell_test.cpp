#include "process/bell.hpp"

#include <gtest/gtest.h>
#include <poll.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <thread>

#include "event.hpp"

namespace poolmark::detail {
namespace {

bool has_rung(const Bell& bell) {
  pollfd watched{bell.event(), POLLIN, 0};
  return poll(&watched, 1, 0) == 1;
}

/// Returns when a thread sleeps as `who`, for an hour if nobody wakes it.
std::jthread sleeping_thread(Bell& bell, PoolSleeper who) {
  bell.set_sleeper(who);
  const test::Mailbox sleeper;
  std::jthread thread([&bell, who, box = sleeper.name()] {
    box.post(test::this_thread_id());
    bell.sleep_as(who, std::chrono::steady_clock::now() + std::chrono::hours(1));
  });
  test::await_sleep_of(sleeper.receive());
  return thread;
}

TEST(Bell, IsSilentWhileNobodySleeps) {
  Bell bell = Bell::create();
  bell.ring();
  EXPECT_FALSE(has_rung(bell));
}

TEST(Bell, RingsOnceForOneSleep) {
  Bell bell = Bell::create();
  bell.set_sleeper(PoolSleeper::kService);
  bell.ring();
  bell.ring();
  std::uint64_t count = 0;
  ASSERT_EQ(read(bell.event(), &count, sizeof count), static_cast<ssize_t>(sizeof count));
  EXPECT_EQ(count, 1U);
}

TEST(Bell, WakesAThreadThatWaits) {
  Bell bell = Bell::create();
  const std::jthread drainer = sleeping_thread(bell, PoolSleeper::kDrainer);
  bell.ring();
}

TEST(Bell, LetsAThreadRestThroughNews) {
  Bell bell = Bell::create();
  bell.set_sleeper(PoolSleeper::kResting);
  bell.ring();
  EXPECT_EQ(bell.sleeper(), PoolSleeper::kResting);
}

TEST(Bell, EndsTheRestForAWorkerThatIsStuck) {
  Bell bell = Bell::create();
  const std::jthread drainer = sleeping_thread(bell, PoolSleeper::kResting);
  bell.end_rest();
}

TEST(Bell, IsNotRungForAStuckWorkerUnlessSomebodyRests) {
  Bell bell = Bell::create();
  bell.set_sleeper(PoolSleeper::kService);
  bell.end_rest();
  EXPECT_FALSE(has_rung(bell));
  EXPECT_EQ(bell.sleeper(), PoolSleeper::kService);
}

// cpython#105829: there a pipe, which filled up and blocked who submitted.
TEST(Bell, DLK_12_blocks_nobody_when_its_channel_is_full) {
  Bell bell = Bell::create();
  const std::uint64_t full = ~std::uint64_t{0} - 1;
  ASSERT_EQ(write(bell.event(), &full, sizeof full), static_cast<ssize_t>(sizeof full));
  for (int i = 0; i < 3; ++i) {
    bell.set_sleeper(PoolSleeper::kService);
    bell.ring();
  }
  EXPECT_TRUE(has_rung(bell));
}

}  // namespace
}  // namespace poolmark::detail
