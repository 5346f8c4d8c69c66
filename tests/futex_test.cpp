#include "poolmark/detail/futex.hpp"

#include <mutex>
#include <thread>

#include "executors.hpp"

// The lock of the library's short critical sections.
namespace poolmark::test {
namespace {

TEST(FutexMutex, wakes_all_that_sleep_for_it_one_after_the_other) {
  detail::FutexMutex mutex;
  int entered = 0;
  const Mailbox sleepers;
  std::unique_lock held(mutex);
  const auto enter = [&] {
    sleepers.name().post(this_thread_id());
    const std::lock_guard hold(mutex);
    ++entered;
  };
  {
    std::jthread first(enter);
    std::jthread second(enter);
    std::jthread third(enter);
    for (const int thread : sleepers.receive(3)) await_sleep_of(thread);
    EXPECT_EQ(entered, 0);
    held.unlock();
  }
  EXPECT_EQ(entered, 3);
}

TEST(FutexMutex, is_held_by_one_at_a_time) {
  constexpr int kRounds = 20'000;
  detail::FutexMutex mutex;
  int count = 0;
  {
    const auto add = [&] {
      for (int i = 0; i < kRounds; ++i) {
        const std::lock_guard hold(mutex);
        ++count;
      }
    };
    std::jthread first(add);
    std::jthread second(add);
  }
  EXPECT_EQ(count, 2 * kRounds);
}

}  // namespace
}  // namespace poolmark::test
