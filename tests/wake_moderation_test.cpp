#include "poolmark/detail/wake_moderation.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>

namespace poolmark::detail {
namespace {

using namespace std::chrono_literals;
using Nanoseconds = WakeModeration::Nanoseconds;

/// A reader whose clock moves when the test says so.
class Reader {
 public:
  /// After `pause` it has taken `taken` results, and finds no more.
  Nanoseconds rest_after(Nanoseconds pause, std::size_t taken,
                         std::size_t outstanding = 1'000'000) {
    pass(pause, taken);
    return moderation_.rest(now_, outstanding);
  }
  Nanoseconds rest_within(Nanoseconds limit, Nanoseconds pause, std::size_t taken) {
    pass(pause, taken);
    return moderation_.rest_within(now_, limit);
  }
  /// A result every `interval`, for so long, and each was waited for.
  void read_one_by_one(Nanoseconds interval, Nanoseconds for_so_long) {
    for (Nanoseconds passed{0}; passed < for_so_long; passed += interval) rest_after(interval, 1);
  }

 private:
  void pass(Nanoseconds pause, std::size_t taken) {
    now_ += pause;
    moderation_.count(taken);
  }

  WakeModeration::Clock::time_point now_ = WakeModeration::Clock::time_point() + 24h;
  WakeModeration moderation_;
};

TEST(WakeModeration, TheFirstResultsAreAwaitedOneByOne) {
  Reader reader;
  for (int i = 0; i < 20; ++i) EXPECT_EQ(reader.rest_after(10us, 1), 0ns) << i;
}

TEST(WakeModeration, ARestIsNoMoreThanAQuarterOfTheStream) {
  Reader reader;
  reader.rest_after(0ns, 0);
  for (Nanoseconds read = 10us; read < 10ms; read += 10us) {
    EXPECT_LE(reader.rest_after(10us, 1) + 50us, std::max<Nanoseconds>(read / 4, 50us))
        << read.count();
  }
}

TEST(WakeModeration, ALongStreamIsReadInRestsOfTheLongest) {
  Reader reader;
  reader.read_one_by_one(10us, 3ms);
  const Nanoseconds rest = reader.rest_after(10us, 1);
  EXPECT_EQ(rest, WakeModeration::kLongest - 50us) << "the system's lateness is part of it";
  EXPECT_EQ(reader.rest_after(rest, 45), rest) << "and it goes on";
}

TEST(WakeModeration, SlowResultsAreAwaitedOneByOne) {
  Reader reader;
  for (int i = 0; i < 100; ++i) EXPECT_EQ(reader.rest_after(130us, 1), 0ns) << i;
}

TEST(WakeModeration, APauseEndsTheStream) {
  Reader reader;
  reader.read_one_by_one(10us, 3ms);
  EXPECT_NE(reader.rest_after(10us, 1), 0ns);
  EXPECT_EQ(reader.rest_after(10ms, 1), 0ns);
  EXPECT_EQ(reader.rest_after(10us, 1), 0ns);
}

TEST(WakeModeration, ARestThatBringsNothingIsTheLast) {
  Reader reader;
  reader.read_one_by_one(10us, 3ms);
  const Nanoseconds rest = reader.rest_after(10us, 1);
  EXPECT_NE(rest, 0ns);
  EXPECT_EQ(reader.rest_after(rest, 0), 0ns);
}

TEST(WakeModeration, ResultsInPairsAreAStream) {
  Reader reader;
  for (int i = 0; i < 100; ++i) {
    reader.rest_after(10us, 1);
    reader.rest_after(150us, 1);
  }
  EXPECT_NE(reader.rest_after(10us, 1), 0ns);
}

TEST(WakeModeration, TheLastResultsAreAwaitedOneByOne) {
  Reader reader;
  reader.read_one_by_one(10us, 3ms);
  // Half of them are to come within the rest and the lateness of the system.
  EXPECT_EQ(reader.rest_after(10us, 1, 20), 100us - 50us);
  EXPECT_EQ(reader.rest_after(10us, 1, 7), 0ns);
  EXPECT_EQ(reader.rest_after(10us, 1, 0), 0ns);
}

TEST(WakeModeration, FewResultsAreNotWorthARest) {
  Reader reader;
  reader.read_one_by_one(100us, 10ms);
  EXPECT_NE(reader.rest_within(400us, 100us, 1), 0ns);
  EXPECT_EQ(reader.rest_within(390us, 100us, 1), 0ns);
}

TEST(WakeModeration, ARestEndsWithinTheLimit) {
  Reader reader;
  reader.read_one_by_one(10us, 3ms);
  EXPECT_EQ(reader.rest_within(60us, 10us, 1), 10us);
  EXPECT_EQ(reader.rest_within(59us, 10us, 1), 0ns) << "shorter than falling asleep";
  EXPECT_EQ(reader.rest_within(0ns, 10us, 1), 0ns);
  EXPECT_EQ(reader.rest_within(1h, 10us, 1), WakeModeration::kLongest - 50us);
}

}  // namespace
}  // namespace poolmark::detail
