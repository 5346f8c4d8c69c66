#include <list>
#include <numeric>
#include <vector>

#include "async/coroutines.hpp"
#include "forked_child.hpp"

// What the async executor does beyond what all executors do.
namespace poolmark::test {
namespace {

TEST(AsyncExecutor, RunsEverythingOnOneThread) {
  AsyncExecutor loop;
  const auto where = []() -> Coroutine<std::thread::id> {
    co_await sleep(0s);
    co_return std::this_thread::get_id();
  };
  const auto coroutine = loop.submit(where);
  const auto call = loop.submit([] { return std::this_thread::get_id(); });
  EXPECT_EQ(coroutine.result(), call.result());
  EXPECT_NE(coroutine.result(), std::this_thread::get_id());
}

TEST(AsyncExecutor, StartsItsThreadWithTheFirstTask) {
  const NewThreads threads;
  AsyncExecutor loop;
  EXPECT_EQ(threads.count(), 0);
  loop.submit(doubled, 1).result();
  EXPECT_EQ(threads.count(), 1);
}

TEST(AsyncExecutor, LeavesNeitherThreadsNorDescriptors) {
  const NewThreads threads;
  const NewDescriptors descriptors;
  Future<int> kept;
  {
    AsyncExecutor loop;
    kept = loop.submit(doubled, 1);
  }
  EXPECT_TRUE(threads.come_to_an_end());
  EXPECT_EQ(descriptors.count(), 0);
  EXPECT_EQ(kept.result(), 2);
}

TEST(AsyncExecutor, BeginsNoMoreThanAreAllowedAtOnce) {
  int now = 0;
  int most = 0;
  const auto counts = [&]() -> Coroutine<> {
    most = std::max(most, ++now);
    co_await sleep(0s);
    --now;
  };
  std::vector<Future<void>> futures;
  AsyncExecutor loop({.max_concurrency = 3});
  for (int i = 0; i < 20; ++i) futures.push_back(loop.submit(counts));
  wait(futures);
  loop.shutdown();
  EXPECT_EQ(most, 3);
}

TEST(AsyncExecutor, RefusesOptionsOutOfRange) {
  EXPECT_THROW_WITH(AsyncExecutor(0), std::invalid_argument, "max_concurrency is 0");
  EXPECT_THROW_WITH(AsyncExecutor({.slow_callback_duration = 0ms}), std::invalid_argument,
                    "slow_callback_duration must be");
}

TEST(AsyncExecutor, BeginsManyWithoutKeepingTimersWaiting) {
  bool stop = false;
  std::function<void()> again;
  AsyncExecutor loop;
  // Each submits the next: there is always one that has not begun.
  again = [&] {
    if (!stop) loop.submit(std::ref(again));
  };
  loop.submit(std::ref(again));
  loop.submit(sleep, 1ms).result();
  loop.submit([&] { stop = true; }).result();
}

// ---- waiting for oneself
// -------------------------------------------------------------------------

TEST(AsyncExecutor, RefusesToBlockItsLoopForItself) {
  AsyncExecutor loop;
  const auto blocks = [&]() -> Coroutine<int> { co_return loop.submit(doubled, 1).result(); };
  EXPECT_THROW_WITH(loop.submit(blocks).result(), DeadlockError, "co_await the future instead");
  EXPECT_THROW(loop.submit([&] { return loop.submit(square, 1).result(); }).result(),
               DeadlockError);
}

TEST(AsyncExecutor, RefusesToBlockItsLoopForAnyOfItsOwn) {
  AsyncExecutor loop;
  const auto two = [&] { return std::vector{loop.submit(square, 1), loop.submit(square, 2)}; };
  const auto waits_for_first = [&] {
    const auto own = two();
    wait(own, {.return_when = ReturnWhen::FirstCompleted});
  };
  const auto waits_for_all = [&] {
    const auto own = two();
    wait(own);
  };
  const auto takes_as_completed = [&] {
    const auto own = two();
    for (const auto& future : as_completed(own)) static_cast<void>(future.result());
  };
  EXPECT_THROW_WITH(loop.submit(waits_for_first).result(), DeadlockError, "co_await the future");
  EXPECT_THROW_WITH(loop.submit(waits_for_all).result(), DeadlockError, "co_await the future");
  EXPECT_THROW_WITH(loop.submit(takes_as_completed).result(), DeadlockError, "co_await the future");
}

TEST(AsyncExecutor, LetsItsLoopBeBlockedForWhatOthersComplete) {
  AsyncExecutor loop;
  ThreadPoolExecutor threads{1};
  const Event waits_now;
  const auto waits = [&] {
    const std::vector mixed{loop.submit(square, 3), threads.submit([&] {
                              waits_now.wait();
                              return 1;
                            })};
    waits_now.set();
    return wait(mixed, {.return_when = ReturnWhen::FirstCompleted}).done.size();
  };
  EXPECT_EQ(loop.submit(waits).result(), 1u) << "the loop's own could not run meanwhile";
  const auto waits_for_a_while = [&] {
    const std::vector own{loop.submit(square, 3)};
    return wait(own, {.timeout = 1ms}).done.size();
  };
  EXPECT_EQ(loop.submit(waits_for_a_while).result(), 0u) << "a timeout ends it";
}

// ---- slow callbacks
// ------------------------------------------------------------------------------

void block() { std::this_thread::sleep_for(2ms); }

TEST(AsyncExecutor, TellsWhatBlockedTheLoop) {
  std::vector<SlowCallback> slow;
  AsyncExecutor loop({.slow_callback_duration = 1ms,
                      .on_slow_callback = [&](const SlowCallback& one) { slow.push_back(one); }});
  struct BlocksInACall {
    void operator()() const { block(); }
  };
  struct BlocksInACoroutine {
    Coroutine<> operator()() const {
      co_await sleep(0s);
      block();
      co_await sleep(0s);
    }
  };
  loop.submit(BlocksInACall());
  loop.submit(BlocksInACoroutine());
  loop.submit(&block);
  loop.shutdown();
  const auto named = [](const std::string& text) {
    return ::testing::AllOf(
        ::testing::Field(&SlowCallback::name, ::testing::HasSubstr(text)),
        ::testing::Field(&SlowCallback::duration, ::testing::Ge(std::chrono::milliseconds(2))));
  };
  // A busy machine may make others slow as well.
  EXPECT_THAT(slow, ::testing::IsSupersetOf(
                        {named("BlocksInACall"), named("BlocksInACoroutine"), named("function")}));
}

TEST(AsyncExecutor, WritesOnceForEachCallableThatBlocks) {
  ::testing::internal::CaptureStderr();
  {
    AsyncExecutor loop({.thread_name = "downloads", .slow_callback_duration = 2ms});
    struct Blocks {
      void operator()() const { block(); }
    };
    for (int i = 0; i < 3; ++i) loop.submit(Blocks());
  }
  const std::string written = ::testing::internal::GetCapturedStderr();
  EXPECT_THAT(written, ::testing::ContainsRegex(
                           "Blocks kept the event loop of downloads from everything else for"));
  EXPECT_EQ(written.find("Blocks kept"), written.rfind("Blocks kept"));
}

// ---- maps of coroutines
// --------------------------------------------------------------------------

TEST(AsyncMap, AwaitsAllElementsAtOnce) {
  int begun = 0;
  Gate all;
  const auto meets_the_others = [&](int x) -> Coroutine<int> {
    if (++begun == 100) all.open();
    co_await all.opened();
    co_return x;
  };
  std::vector<int> numbers(100);
  std::iota(numbers.begin(), numbers.end(), 0);
  std::vector<int> results;
  AsyncExecutor loop;
  for (const int x : loop.map(meets_the_others, numbers)) results.push_back(x);
  EXPECT_EQ(results, numbers);
}

TEST(AsyncMap, TakesAnyInputAndSeveral) {
  const auto sum = [](int x, const std::string& text) -> Coroutine<std::string> {
    co_await sleep(0s);
    co_return std::to_string(x) + text;
  };
  const std::list<std::string> texts{"a", "b", "c"};
  std::vector<std::string> results;
  AsyncExecutor loop;
  for (const std::string& text : loop.map(sum, std::vector{1, 2, 3, 4}, texts)) {
    results.push_back(text);
  }
  EXPECT_THAT(results, ::testing::ElementsAre("1a", "2b", "3c"));
}

TEST(AsyncMap, ThrowsAtTheElementThatFailed) {
  AsyncExecutor loop;
  const auto fails_at_two = [](int x) -> Coroutine<int> {
    if (x == 2) co_await throw_after_a_turn("two");
    co_return x;
  };
  for (const int chunksize : {1, 3}) {
    auto results = loop.map({.chunksize = chunksize}, fails_at_two, std::vector{1, 2, 3});
    auto it = results.begin();
    EXPECT_EQ(*it, 1);
    EXPECT_THROW_WITH(*++it, std::out_of_range, "two");
    EXPECT_EQ(*++it, 3);
  }
}

TEST(AsyncMap, OfNothingButEffectsYieldsOneForEach) {
  int sum = 0;
  const auto add_to_sum = [&](int x) -> Coroutine<> {
    sum += x;
    co_return;
  };
  int yielded = 0;
  AsyncExecutor loop;
  for ([[maybe_unused]] const std::monostate nothing : loop.map(add_to_sum, std::vector{1, 2, 3})) {
    ++yielded;
  }
  EXPECT_EQ(yielded, 3);
  EXPECT_EQ(sum, 6);
}

TEST(AsyncMap, ThatIsClosedCancelsWhatRests) {
  int begun = 0;
  Gate first_has_begun;
  AsyncExecutor loop;
  const auto rests = [&](int) -> Coroutine<int> {
    if (++begun == 1) first_has_begun.open();
    co_await rest_for_ever();
    co_return 0;
  };
  {
    auto results = loop.map({.chunksize = 2}, rests, std::vector{1, 2});
    first_has_begun.opened().result();
    results.close();
  }
  loop.shutdown();
  EXPECT_EQ(begun, 1) << "the second one of the chunk is not wanted any more";
}

TEST(AsyncMap, ReadsNoMoreThanItsBufferHolds) {
  std::vector<int> results;
  AsyncExecutor loop;
  auto endless = loop.map({.buffersize = 4}, doubled, std::views::iota(0));
  for (const int x : endless) {
    results.push_back(x);
    if (results.size() == 10) break;
  }
  EXPECT_EQ(results.back(), 18);
}

// ---- the end
// -------------------------------------------------------------------------------------

TEST(AsyncExecutor, ShutDownWaitsForCoroutinesThatRest) {
  Gate begun;
  bool has_ended = false;
  AsyncExecutor loop;
  const auto rests = [&]() -> Coroutine<> {
    begun.open();
    co_await sleep(1ms);
    has_ended = true;
  };
  loop.submit(rests);
  begun.opened().result();
  loop.shutdown();
  EXPECT_TRUE(has_ended);
}

TEST(AsyncExecutor, ShutDownByItsOwnTaskDoesNotWait) {
  AsyncExecutor loop;
  loop.submit([&] { loop.shutdown(); }).result();
  EXPECT_THROW(loop.submit(doubled, 1), ShutdownError);
}

TEST(AsyncExecutor, IsInertInAForkedChild) {
  auto loop = std::make_unique<AsyncExecutor>();
  const Future<int> resting = loop->submit(rest_for_ever);
  BusyWorker busy(*loop);  // the loop's thread does nothing while there is a child
  const Future<int> pending = loop->submit(doubled, 3);
  const auto child = [&] {
    try {
      loop->submit(doubled, 1);
      return 1;
    } catch (const DeadlockError& error) {
      if (std::string(error.what()).find("before a fork") == std::string::npos) return 2;
    }
    try {
      pending.result();
      return 3;
    } catch (const DeadlockError&) {
    }
    pending.cancel();  // only in the child, and without a lock of the loop's thread
    resting.cancel();
    loop->shutdown();
    loop.reset();
    return 0;
  };
  EXPECT_EQ(exit_code_of_child(child), 0);
  EXPECT_FALSE(pending.done());
  EXPECT_FALSE(resting.done());
  busy.release();
  EXPECT_EQ(pending.result(), 6);
  EXPECT_TRUE(resting.cancel());
}

}  // namespace
}  // namespace poolmark::test
