#include <optional>
#include <vector>

#include "async/coroutines.hpp"
#include "poolmark/thread_pool_executor.hpp"

// Cancelling coroutines, by a handle and by a time limit. "Task Cancellation" and "Timeouts" of
// Python's asyncio documentation.
namespace poolmark::test {
namespace {

/// Whether a nap took as long as it should.
Coroutine<bool> rest_in_full() {
  const auto end = std::chrono::steady_clock::now() + 5ms;
  co_await sleep(5ms);
  co_return std::chrono::steady_clock::now() >= end;
}

/// A coroutine that says how it was left, and the future that tells when it has begun.
struct Resting {
  Gate begun;
  std::optional<std::string> left_by;

  Coroutine<int> run() {
    begun.open();
    try {
      co_await sleep(24h);
    } catch (const CancelledError&) {
      left_by = "CancelledError";
      throw;
    }
    left_by = "nothing";
    co_return 1;
  }
};

TEST(CancelOfACoroutine, IsSeenAtOnceByTheFutureAndThenByTheCoroutine) {
  Resting resting;
  AsyncExecutor loop;
  const Future<int> future = loop.submit(&Resting::run, &resting);
  resting.begun.opened().result();
  EXPECT_TRUE(future.running());

  EXPECT_TRUE(future.cancel());
  EXPECT_TRUE(future.cancelled());
  EXPECT_THROW(future.result(), CancelledError);
  loop.shutdown();
  EXPECT_EQ(resting.left_by, "CancelledError");
}

TEST(CancelOfACoroutine, ThatHasNotBegunLeavesItOut) {
  bool has_run = false;
  AsyncExecutor loop({.max_concurrency = 1});
  const Future<int> first = loop.submit(rest_for_ever);
  const auto runs = [&]() -> Coroutine<> {
    has_run = true;
    co_return;
  };
  const Future<void> second = loop.submit(runs);
  EXPECT_FALSE(second.running());
  EXPECT_TRUE(second.cancel());
  EXPECT_TRUE(first.cancel());
  loop.shutdown();
  EXPECT_FALSE(has_run);
}

TEST(CancelOfACoroutine, ThatHasEndedDoesNothing) {
  AsyncExecutor loop;
  const Future<int> future = loop.submit(doubled, 1);
  future.result();
  EXPECT_FALSE(future.cancel());
  EXPECT_EQ(future.result(), 2);
}

TEST(CancelOfACoroutine, ReachesTheInnermostOne) {
  Resting resting;
  AsyncExecutor loop;
  const auto middle = [&]() -> Coroutine<int> { co_return co_await resting.run(); };
  const auto outer = [&]() -> Coroutine<int> { co_return co_await middle(); };
  const Future<int> future = loop.submit(outer);
  resting.begun.opened().result();
  future.cancel();
  loop.shutdown();
  EXPECT_EQ(resting.left_by, "CancelledError");
}

TEST(CancelOfACoroutine, CancelsTheFutureThatItAwaits) {
  Gate begun;
  Promise<int> never;
  AsyncExecutor loop;
  const auto waits = [&]() -> Coroutine<int> {
    begun.open();
    co_return co_await never.get_future();
  };
  const Future<int> future = loop.submit(waits);
  begun.opened().result();
  future.cancel();
  loop.shutdown();
  EXPECT_TRUE(never.get_future().cancelled());
}

TEST(CancelOfACoroutine, LetsItCleanUp) {
  Gate begun;
  bool has_cleaned_up = false;
  AsyncExecutor loop;
  const auto cleans_up = [&]() -> Coroutine<> {
    begun.open();
    bool is_cancelled = false;
    try {
      co_await sleep(24h);
    } catch (const CancelledError&) {
      is_cancelled = true;
    }
    co_await sleep(0s);
    has_cleaned_up = is_cancelled;
  };
  const Future<void> future = loop.submit(cleans_up);
  begun.opened().result();
  future.cancel();
  loop.shutdown();
  EXPECT_TRUE(has_cleaned_up);
  EXPECT_TRUE(future.cancelled()) << "whatever the coroutine does then";
}

TEST(CancelOfACoroutine, ByItselfComesAtItsNextAwait) {
  Gate may_begin;
  Future<int> self;
  bool has_come_further = false;
  AsyncExecutor loop;
  const auto cancels_itself = [&]() -> Coroutine<int> {
    co_await may_begin.opened();
    self.cancel();
    has_come_further = true;
    co_await rest_for_ever();
    co_return 1;
  };
  self = loop.submit(cancels_itself);
  may_begin.open();
  loop.shutdown();
  EXPECT_TRUE(self.cancelled());
  EXPECT_TRUE(has_come_further);
}

TEST(CancelOfACoroutine, IsThrownWhenItsFutureIsDoneButHasNotReachedIt) {
  Promise<int> awaited;
  std::optional<std::string> got;
  bool has_rested = false;
  AsyncExecutor loop;
  const auto waits = [&]() -> Coroutine<> {
    try {
      co_await awaited.get_future();
      got = "the value";
    } catch (const CancelledError&) {
      got = "CancelledError";
    }
    has_rested = co_await rest_in_full();  // a second resumption would find it here
  };
  const Future<void> future = loop.submit(waits);
  loop.submit([&] {
    future.cancel();
    awaited.set_result(1);
  });
  loop.shutdown();
  EXPECT_EQ(got, "CancelledError");
  EXPECT_TRUE(has_rested);
}

TEST(CancelOfACoroutine, IsThrownWhenItsTimeIsOverButHasNotReachedIt) {
  std::optional<std::string> got;
  bool has_rested = false;
  AsyncExecutor loop;
  const auto victim = [&]() -> Coroutine<> {
    try {
      co_await sleep(5ms);
      got = "the end of its nap";
    } catch (const CancelledError&) {
      got = "CancelledError";
    }
    has_rested = co_await rest_in_full();  // a second resumption would find it here
  };
  Future<void> future;
  const auto cancels_it = [&]() -> Coroutine<> {
    co_await sleep(5ms);
    future.cancel();
  };
  const Future<Future<void>> canceller = loop.submit([&] {
    const Future<void> first = loop.submit(cancels_it);
    future = loop.submit(victim);
    return first;
  });
  canceller.result();
  // Both times are over when the loop, which finds nothing else to do, looks next.
  await_sleep_of(loop.submit(this_thread_id).result());
  loop.submit([] { std::this_thread::sleep_for(20ms); });
  canceller.result().result();
  loop.shutdown();
  EXPECT_EQ(got, "CancelledError");
  EXPECT_TRUE(has_rested);
}

TEST(CancelOfACoroutine, RunsTheCallbacksInTheThreadThatCancels) {
  AsyncExecutor loop;
  const Future<int> future = loop.submit(rest_for_ever);
  std::thread::id called_by;
  future.add_done_callback([&](const auto&) { called_by = std::this_thread::get_id(); });
  future.cancel();
  EXPECT_EQ(called_by, std::this_thread::get_id());
}

TEST(CancelOfACoroutine, OfAThousandFreesTheirPlaces) {
  std::vector<Future<int>> resting;
  AsyncExecutor loop({.max_concurrency = 10});
  for (int i = 0; i < 1000; ++i) resting.push_back(loop.submit(rest_for_ever));
  for (const Future<int>& future : resting) EXPECT_TRUE(future.cancel());
  EXPECT_EQ(loop.submit(doubled, 2).result(), 4);
}

TEST(CancelOfACoroutine, RacesWithItsEnd) {
  AsyncExecutor loop;
  for (int i = 0; i < 2000; ++i) {
    const Future<int> future = loop.submit(doubled_after_a_turn, i);
    if (future.cancel()) {
      EXPECT_THROW(future.result(), CancelledError);
    } else {
      EXPECT_EQ(future.result(), 2 * i);
    }
  }
}

TEST(CancelOfACall, ThatRunsFails) {
  AsyncExecutor loop;
  BusyWorker busy(loop);
  EXPECT_TRUE(busy.future().running());
  EXPECT_FALSE(busy.future().cancel());
}

// ---- time limits
// ---------------------------------------------------------------------------------

TEST(WithTimeout, GivesTheValueOfWhatEndsInTime) {
  AsyncExecutor loop;
  const auto in_time = []() -> Coroutine<int> { co_return co_await with_timeout(1h, doubled(4)); };
  EXPECT_EQ(loop.submit(in_time).result(), 8);
}

TEST(WithTimeout, IsOverWithTheCoroutine) {
  AsyncExecutor loop;
  const auto rests_later = []() -> Coroutine<int> {
    const int value = co_await with_timeout(1ms, doubled(4));
    co_await sleep(3ms);
    co_return value;
  };
  EXPECT_EQ(loop.submit(rests_later).result(), 8);
}

TEST(WithTimeout, CancelsWhatDoesNotAndThrowsTimeoutError) {
  Resting resting;
  AsyncExecutor loop;
  const auto late = [&]() -> Coroutine<int> {
    co_return co_await with_timeout(1ms, resting.run());
  };
  EXPECT_THROW_WITH(loop.submit(late).result(), TimeoutError, "longer than with_timeout() allows");
  EXPECT_EQ(resting.left_by, "CancelledError");
}

TEST(WithTimeout, LeavesTheCoroutineThatCalledItUncancelled) {
  AsyncExecutor loop;
  const auto goes_on = []() -> Coroutine<int> {
    try {
      co_await with_timeout(1ms, rest_for_ever());
    } catch (const TimeoutError&) {
    }
    co_return co_await doubled_after_a_turn(3);
  };
  EXPECT_EQ(loop.submit(goes_on).result(), 6);
}

TEST(WithTimeout, OfTheOuterOneIsNotTakenForThatOfTheInnerOne) {
  AsyncExecutor loop;
  const auto inner = []() -> Coroutine<int> {
    try {
      co_return co_await with_timeout(1h, rest_for_ever());
    } catch (const TimeoutError&) {
      ADD_FAILURE() << "the inner limit was not over";
      co_return 0;
    }
  };
  const auto outer = [&]() -> Coroutine<int> { co_return co_await with_timeout(1ms, inner()); };
  EXPECT_THROW(loop.submit(outer).result(), TimeoutError);
}

TEST(WithTimeout, PassesOnWhatTheCoroutineThrows) {
  AsyncExecutor loop;
  const auto throws = []() -> Coroutine<int> {
    co_return co_await with_timeout(1h, throw_after_a_turn("itself"));
  };
  EXPECT_THROW_WITH(loop.submit(throws).result(), std::out_of_range, "itself");
}

TEST(Sleep, TakesEveryDurationButNaN) {
  AsyncExecutor loop;
  loop.submit(sleep, -1s).result();
  loop.submit(sleep, 0.001s).result();
  EXPECT_THROW(loop.submit(sleep, std::numeric_limits<double>::quiet_NaN() * 1s).result(),
               std::invalid_argument);
  EXPECT_TRUE(loop.submit(sleep, std::chrono::hours::max()).cancel());
}

}  // namespace
}  // namespace poolmark::test
