#include <string>
#include <thread>

#include "executors.hpp"

// What one look at a future tells, while others complete it.
namespace poolmark::test {
namespace {

std::exception_ptr an_error() { return std::make_exception_ptr(std::out_of_range("an error")); }

TEST(Future, FUT_28_a_snapshot_tells_every_state) {
  Promise<std::string> promise;
  const auto future = promise.get_future();
  EXPECT_EQ(future.snapshot().status, FutureStatus::Pending);
  promise.set_running_or_notify_cancel();
  EXPECT_EQ(future.snapshot().status, FutureStatus::Running);
  promise.set_result("value");
  const auto [status, value, error] = future.snapshot();
  EXPECT_EQ(status, FutureStatus::Finished);
  EXPECT_EQ(value, &future.result()) << "the value itself, not a copy";
  EXPECT_EQ(error, nullptr);
  EXPECT_EQ(AnyFuture(future).snapshot().status, FutureStatus::Finished);

  EXPECT_EQ(promise.get_future().take(), "value");
  EXPECT_EQ(future.snapshot().status, FutureStatus::Finished);
  EXPECT_EQ(future.snapshot().value, nullptr);
}

TEST(Future, FUT_28_a_snapshot_of_a_void_future_has_a_value_too) {
  Promise<void> promise;
  EXPECT_EQ(promise.get_future().snapshot().value, nullptr);
  promise.set_result();
  EXPECT_NE(promise.get_future().snapshot().value, nullptr);
}

/// Is cancelled between the two looks that a snapshot takes.
class CancelledWhileLookedAt final : public detail::TypedState<int> {
 public:
  bool has_started() const noexcept override {
    const_cast<CancelledWhileLookedAt*>(this)->try_cancel();
    return true;  // no longer pending, and yet it never ran
  }
};

TEST(Future, FUT_28_a_future_that_is_cancelled_meanwhile_is_not_running) {
  const auto state = detail::make_intrusive<CancelledWhileLookedAt>();
  EXPECT_EQ(state->observed_phase(), detail::Phase::kCancelled);
}

TEST(Future, FUT_28_a_snapshot_is_of_one_moment_while_others_complete) {
  constexpr int kRounds = 100;
  for (int round = 0; round < kRounds; ++round) {
    Promise<int> promise;
    const auto future = promise.get_future();
    std::jthread completer([&, round] {
      if (round % 3 == 0) {
        future.cancel();
        return;
      }
      promise.set_running_or_notify_cancel();
      if (round % 3 == 1) promise.set_result(7);
      if (round % 3 == 2) promise.set_exception(an_error());
    });
    for (auto seen = FutureStatus::Pending; seen < FutureStatus::Cancelled;) {
      const auto [status, value, error] = future.snapshot();
      ASSERT_GE(status, seen) << "it went back";
      ASSERT_EQ(value != nullptr, status == FutureStatus::Finished && round % 3 == 1);
      ASSERT_EQ(error != nullptr, status == FutureStatus::Finished && round % 3 == 2);
      ASSERT_TRUE(value == nullptr || *value == 7);
      const bool nobody_runs_it = round % 3 == 0;
      ASSERT_FALSE(nobody_runs_it && status == FutureStatus::Running);
      seen = status;
      std::this_thread::yield();  // to the one that completes, where cores are few
    }
  }
}

}  // namespace
}  // namespace poolmark::test
