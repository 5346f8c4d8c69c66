// The work of bench/granularity: what the tasks compute, and the sum that checks them.

#include "granularity/kernel.hpp"
#include "granularity/recurrence.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "granularity/command_line.hpp"

namespace bench {
namespace {

std::uint32_t added_up(int n, std::uint32_t steps) {
  std::uint32_t sum = 0;
  for (int seed = 0; seed < n; ++seed) sum += static_cast<std::uint32_t>(burn(seed, steps));
  return sum;
}

TEST(Kernel, AStepIsTheRecurrence) {
  EXPECT_EQ(burn(0, 1), 1013904223);
  EXPECT_EQ(burn(1, 1), 1664525 + 1013904223);
}

TEST(Kernel, WithoutStepsATaskReturnsItsSeed) { EXPECT_EQ(burn(42, 0), 42); }

TEST(Kernel, StepsFollowEachOther) { EXPECT_EQ(burn(burn(7, 1000), 234), burn(7, 1234)); }

TEST(Kernel, TheSumByAlgebraIsThatOfTheTasks) {
  for (const std::uint32_t steps : {0U, 1U, 2U, 3U, 64U, 1000U, 4097U}) {
    for (const int n : {0, 1, 2, 3, 100, 70'000 / (1 + static_cast<int>(steps))}) {
      EXPECT_EQ(sum_of_burns(static_cast<std::uint32_t>(n), steps), added_up(n, steps))
          << n << " tasks of " << steps << " steps";
    }
  }
}

TEST(Kernel, GoesBackWhereItCameFrom) {
  for (const std::uint32_t more : {0U, 1U, 72U, 6000U}) {
    const std::uint32_t start = all_steps(-more)(17);
    EXPECT_EQ(burn(static_cast<int>(start), 1000 + more), burn(17, 1000)) << more;
  }
}

TEST(Kernel, TheSumOfMoreTasksThanHaveASumIn32Bits) {
  EXPECT_EQ(sum_of_burns(400'000, 0), static_cast<std::uint32_t>(400'000ULL * 399'999 / 2));
}

TEST(UsualWorkerCounts, ArePowersOfTwoAndTheCpus) {
  EXPECT_THAT(usual_worker_counts(1), testing::ElementsAre(1));
  EXPECT_THAT(usual_worker_counts(2), testing::ElementsAre(1, 2));
  EXPECT_THAT(usual_worker_counts(6), testing::ElementsAre(1, 2, 4, 6));
}

TEST(UsualGrains, ArePowersOfTwoFromTheLongestOn) {
  EXPECT_EQ(usual_grains().front(), 1 << 22);
  EXPECT_EQ(usual_grains()[1], 1 << 21);
  EXPECT_EQ(usual_grains().back(), 32);
}

}  // namespace
}  // namespace bench
