#include "workloads/generator.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <stdexcept>
#include <vector>

#include "workloads/workloads.hpp"

namespace bench {
namespace {

Generator<int> count(int n, int& produced) {
  for (int i = 1; i <= n; ++i) {
    ++produced;
    co_yield i;
  }
}

TEST(Generator, YieldsEveryValueInOrder) {
  int produced = 0;
  std::vector<int> values;
  for (const int value : count(4, produced)) values.push_back(value);
  EXPECT_EQ(values, (std::vector<int>{1, 2, 3, 4}));
}

TEST(Generator, MakesAValueOnlyWhenItIsAskedFor) {
  int produced = 0;
  Generator<int> numbers = count(1000, produced);
  EXPECT_EQ(produced, 0);
  auto it = numbers.begin();
  ++it;
  EXPECT_EQ(*it, 2);
  EXPECT_EQ(produced, 2);
}

TEST(Generator, MayBeEmpty) {
  int produced = 0;
  Generator<int> none = count(0, produced);
  EXPECT_TRUE(none.begin() == none.end());
}

Generator<int> fail_at_2() {
  co_yield 1;
  throw std::runtime_error("two");
}

TEST(Generator, ThrowsAtTheValueThatFailed) {
  Generator<int> numbers = fail_at_2();
  auto it = numbers.begin();
  EXPECT_EQ(*it, 1);
  EXPECT_THROW(++it, std::runtime_error);
}

Generator<int> hold(std::shared_ptr<int> what) {
  for (;;) co_yield *what;
}

TEST(Generator, LetsGoOfWhatItHeldWhenLeftEarly) {
  const auto what = std::make_shared<int>(7);
  {
    Generator<int> endless = hold(what);
    EXPECT_EQ(*endless.begin(), 7);
    EXPECT_GT(what.use_count(), 1);
  }
  EXPECT_EQ(what.use_count(), 1);
}

TEST(Primes, AreToldFromOtherNumbers) {
  for (const std::uint64_t prime : {2U, 3U, 5U, 7U, 11U, 101U, 7919U}) {
    EXPECT_TRUE(is_prime(prime)) << prime;
  }
  for (const std::uint64_t other : {0U, 1U, 4U, 9U, 15U, 49U, 7917U}) {
    EXPECT_FALSE(is_prime(other)) << other;
  }
}

TEST(Primes, AreTwentyLargestFirstAndTenArePrime) {
  const auto workload = primes();
  EXPECT_EQ(workload.inputs.size(), 20U);
  EXPECT_TRUE(std::is_sorted(workload.inputs.rbegin(), workload.inputs.rend()));
}

TEST(Sum, AddsEveryTerm) {
  EXPECT_EQ(sum_to(0), 0U);
  EXPECT_EQ(sum_to(10), 55U);
  EXPECT_EQ(sum_to(100'000), 5'000'050'000U);
}

using std::chrono::milliseconds;
using std::chrono::nanoseconds;

TEST(RequireTimeGrows, AcceptsWorkThatGrowsWithItsSize) {
  EXPECT_NO_THROW(require_time_grows("w", [](int scale) { return nanoseconds(100 * scale); }));
}

TEST(RequireTimeGrows, RefusesAClosedForm) {
  EXPECT_THROW(require_time_grows("w", [](int) { return nanoseconds(100); }),
               poolmark::harness::WrongResult);
}

TEST(RequireTimeGrows, IsNotMisledByOneDisturbance) {
  static int calls;
  calls = 0;
  EXPECT_NO_THROW(require_time_grows("w", [](int scale) -> nanoseconds {
    return ++calls == 3 ? milliseconds(50) : nanoseconds(100 * scale);
  }));
}

TEST(Sleep, NapsAtLeastAsLongAsAsked) { EXPECT_GE(nap(200'000), 200'000); }

TEST(Sleep, Has64NapsOf10Milliseconds) {
  const auto workload = bench::sleep();
  EXPECT_EQ(workload.inputs, std::vector<std::int64_t>(64, 10'000'000));
  EXPECT_EQ(workload.workers, (std::vector<int>{1, 2, 4, 8, 16, 32}));
}

}  // namespace
}  // namespace bench
