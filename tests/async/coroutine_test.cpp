#include <memory>
#include <vector>

#include "async/coroutines.hpp"
#include "poolmark/thread_pool_executor.hpp"

// What a coroutine may do on the loop: await others, futures and time. "Coroutines and Tasks" of
// Python's asyncio documentation.
namespace poolmark::test {
namespace {

TEST(Coroutine, GivesItsValueToTheFuture) {
  AsyncExecutor loop;
  const Future<int> future = loop.submit(doubled, 4);
  EXPECT_EQ(future.result(), 8);
}

TEST(Coroutine, GivesWhatItThrewToTheFuture) {
  AsyncExecutor loop;
  EXPECT_THROW_WITH(loop.submit(throw_after_a_turn, "no flag").result(), std::out_of_range,
                    "no flag");
}

TEST(Coroutine, ThatIsNeverAwaitedRunsNothing) {
  bool has_run = false;
  {
    const auto function = [&]() -> Coroutine<> {
      has_run = true;
      co_return;
    };
    const Coroutine<> never = function();
  }
  EXPECT_FALSE(has_run);
}

TEST(Coroutine, AwaitsOthersAndGetsTheirValues) {
  AsyncExecutor loop;
  const auto sum_of_two = [](int x) -> Coroutine<int> {
    const int first = co_await doubled(x);
    const int second = co_await doubled_after_a_turn(first);
    co_return first + second;
  };
  EXPECT_EQ(loop.submit(sum_of_two, 3).result(), 6 + 12);
}

TEST(Coroutine, GetsWhatAnAwaitedOneThrew) {
  AsyncExecutor loop;
  const auto catches = []() -> Coroutine<std::string> {
    try {
      co_await throw_after_a_turn("inside");
    } catch (const std::out_of_range& error) {
      co_return error.what();
    }
    co_return "nothing was thrown";
  };
  EXPECT_EQ(loop.submit(catches).result(), "inside");
}

TEST(Coroutine, MayHaveAName) {
  AsyncExecutor loop;
  const auto awaits_by_name = []() -> Coroutine<int> {
    const Coroutine<int> later = doubled(5);
    co_return co_await later;
  };
  EXPECT_EQ(loop.submit(awaits_by_name).result(), 10);
}

TEST(Coroutine, CanBeAwaitedOnce) {
  AsyncExecutor loop;
  const auto awaits_twice = []() -> Coroutine<int> {
    const Coroutine<int> once = doubled(5);
    co_await once;
    co_return co_await once;
  };
  EXPECT_THROW_WITH(loop.submit(awaits_twice).result(), InvalidStateError,
                    "a coroutine can be awaited once");
}

TEST(Coroutine, DeepInOthersNeedsNoStack) {
  AsyncExecutor loop;
  struct Nested {
    static Coroutine<int> down(int depth) {
      if (depth == 0) co_return 0;
      co_return 1 + co_await down(depth - 1);
    }
  };
  EXPECT_EQ(loop.submit(&Nested::down, 100'000).result(), 100'000);
}

TEST(Coroutine, ThatAwaitsAgainAndAgainNeedsNoStack) {
  AsyncExecutor loop;
  const auto sums_up = []() -> Coroutine<int> {
    int sum = 0;
    for (int i = 0; i < 1'000'000; ++i) sum += co_await doubled(1) - 1;
    co_return sum;
  };
  EXPECT_EQ(loop.submit(sums_up).result(), 1'000'000);
}

TEST(Coroutine, MayGiveWhatOnlyMoves) {
  AsyncExecutor loop;
  const auto make = []() -> Coroutine<std::unique_ptr<int>> { co_return std::make_unique<int>(7); };
  const auto pass_on = [&]() -> Coroutine<std::unique_ptr<int>> { co_return co_await make(); };
  EXPECT_EQ(*loop.submit(pass_on).take(), 7);
}

TEST(Coroutine, MayReferToTheArgumentsOfSubmit) {
  AsyncExecutor loop;
  const auto refers = [](const std::string& text,
                         const std::vector<int>& numbers) -> Coroutine<std::string> {
    co_await sleep(0s);
    co_return text + std::to_string(numbers.size());
  };
  EXPECT_EQ(loop.submit(refers, std::string(100, 'x'), std::vector{1, 2}).result(),
            std::string(100, 'x') + "2");
}

TEST(Coroutine, KeepsTheCallableThatItIsPartOf) {
  AsyncExecutor loop;
  const auto future = [&] {
    const std::string captured(100, 'y');
    return loop.submit([captured]() -> Coroutine<std::string> {
      co_await sleep(0s);
      co_return captured;
    });
  }();
  EXPECT_EQ(future.result(), std::string(100, 'y'));
}

TEST(Coroutine, IsGoneWithItsArgumentsWhenTheResultIsThere) {
  const auto object = std::make_shared<int>(1);
  Gate gate;
  AsyncExecutor loop;
  const auto holds = [&](std::shared_ptr<int> held) -> Coroutine<> {
    co_await gate.opened();
    EXPECT_EQ(*held, 1);
  };
  const Future<void> future = loop.submit(holds, object);
  long owners = 0;
  future.add_done_callback([&](const auto&) { owners = object.use_count(); });
  gate.open();
  loop.shutdown();
  EXPECT_EQ(owners, 1);
}

TEST(Coroutine, LetsTheOthersRunWhileItRests) {
  Gate gate;
  AsyncExecutor loop;
  const auto waits = [&]() -> Coroutine<int> {
    co_await gate.opened();
    co_return 1;
  };
  const auto opens = [&]() -> Coroutine<int> {
    gate.open();
    co_return 2;
  };
  const Future<int> first = loop.submit(waits);
  const Future<int> second = loop.submit(opens);
  EXPECT_EQ(first.result() + second.result(), 3);
}

// ---- futures
// -------------------------------------------------------------------------------------

TEST(CoroutineAwaitsFuture, OfAPoolOfThreads) {
  AsyncExecutor loop;
  ThreadPoolExecutor threads(1);
  const auto in_executor = [&]() -> Coroutine<int> {
    co_return co_await threads.submit(square, 7);
  };
  EXPECT_EQ(loop.submit(in_executor).result(), 49);
}

TEST(CoroutineAwaitsFuture, OfAPoolOfProcesses) {
  AsyncExecutor loop;
  auto processes = Processes::make(1);
  const auto in_executor = [&]() -> Coroutine<int> {
    const Future<int> future = processes.submit(square, 8);
    co_return co_await future;
  };
  EXPECT_EQ(loop.submit(in_executor).result(), 64);
}

TEST(CoroutineAwaitsFuture, OfItsOwnLoop) {
  AsyncExecutor loop;
  const auto outer = [&]() -> Coroutine<int> { co_return co_await loop.submit(doubled, 4); };
  EXPECT_EQ(loop.submit(outer).result(), 8);
}

TEST(CoroutineAwaitsFuture, OfAnotherLoop) {
  AsyncExecutor loop;
  AsyncExecutor other;
  const auto outer = [&]() -> Coroutine<int> { co_return co_await other.submit(doubled, 4); };
  EXPECT_EQ(loop.submit(outer).result(), 8);
}

TEST(CoroutineAwaitsFuture, ThatIsDone) {
  Promise<int> promise;
  AsyncExecutor loop;
  promise.set_result(6);
  const auto awaits = [&]() -> Coroutine<int> { co_return co_await promise.get_future(); };
  EXPECT_EQ(loop.submit(awaits).result(), 6);
}

TEST(CoroutineAwaitsFuture, AndRefersToTheValueInOneThatHasAName) {
  Promise<std::string> promise;
  AsyncExecutor loop;
  const Future<std::string> future = promise.get_future();
  const auto awaits = [&]() -> Coroutine<const std::string*> {
    const std::string& value = co_await future;
    co_return &value;
  };
  const auto address = loop.submit(awaits);
  promise.set_result("value");
  EXPECT_EQ(address.result(), &future.result());
}

TEST(CoroutineAwaitsFuture, AndTakesWhatOnlyMovesFromATemporary) {
  AsyncExecutor loop;
  ThreadPoolExecutor threads(1);
  const auto awaits = [&]() -> Coroutine<int> {
    const std::unique_ptr<int> value =
        co_await threads.submit([] { return std::make_unique<int>(9); });
    co_return *value;
  };
  EXPECT_EQ(loop.submit(awaits).result(), 9);
}

TEST(CoroutineAwaitsFuture, AndGetsWhatItsTaskThrew) {
  AsyncExecutor loop;
  ThreadPoolExecutor threads(1);
  const auto awaits = [&]() -> Coroutine<int> {
    co_return co_await threads.submit(throw_out_of_range, 3);
  };
  EXPECT_THROW_WITH(loop.submit(awaits).result(), std::out_of_range, "no element 3");
}

TEST(CoroutineAwaitsFuture, ThatIsCancelledByOthers) {
  Promise<int> promise;
  AsyncExecutor loop;
  const auto awaits = [&]() -> Coroutine<int> { co_return co_await promise.get_future(); };
  const Future<int> future = loop.submit(awaits);
  promise.get_future().cancel();
  EXPECT_THROW(future.result(), CancelledError);
  EXPECT_FALSE(future.cancelled()) << "the coroutine was not";
}

TEST(CoroutineAwaitsFuture, AsManyOthersDo) {
  Gate gate;
  const auto waits = [&](int x) -> Coroutine<int> {
    co_await gate.opened();
    co_return x;
  };
  std::vector<Future<int>> futures;
  AsyncExecutor loop;
  for (int i = 0; i < 1000; ++i) futures.push_back(loop.submit(waits, i));
  gate.open();
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(futures[static_cast<std::size_t>(i)].result(), i);
}

}  // namespace
}  // namespace poolmark::test
