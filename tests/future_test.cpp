#include "poolmark/future.hpp"

#include <atomic>
#include <memory>
#include <sstream>
#include <thread>
#include <vector>

#include "executors.hpp"
#include "poolmark/detail/type_name.hpp"

// What futures do whoever completes them: here a Promise. "Future Objects" of Python's
// documentation.
namespace poolmark::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;

std::exception_ptr an_error() { return std::make_exception_ptr(std::out_of_range("an error")); }

TEST(Future, FUT_01_claimed_by_a_promise_it_is_running) {
  Promise<int> promise;
  const auto future = promise.get_future();
  EXPECT_FALSE(future.running());
  EXPECT_TRUE(promise.set_running_or_notify_cancel());
  EXPECT_TRUE(future.running());
  EXPECT_FALSE(future.done());
  promise.set_result(1);
  EXPECT_FALSE(future.running());
  EXPECT_TRUE(future.done());
}

TEST(Future, FUT_08_a_result_set_without_a_claim_wakes_a_sleeper) {
  Promise<int> promise;
  std::jthread setter([&, test = this_thread_id()] {
    await_sleep_of(test);
    promise.set_result(5);
  });
  EXPECT_EQ(promise.get_future().result(), 5);
}

TEST(Future, FUT_08_a_claim_does_not_wake_a_sleeper_for_good) {
  Promise<int> promise;
  std::jthread setter([&, test = this_thread_id()] {
    await_sleep_of(test);
    promise.set_running_or_notify_cancel();
    await_sleep_of(test);
    promise.set_result(5);
  });
  EXPECT_EQ(promise.get_future().result(), 5);
}

std::vector<std::string>& callback_errors() {
  static std::vector<std::string> errors;
  return errors;
}

/// Collects what callbacks throw, for one test.
class CallbackErrors {
 public:
  CallbackErrors()
      : before_(set_callback_error_handler([](const AnyFuture&, std::exception_ptr error) noexcept {
          callback_errors().push_back(detail::describe_exception(error));
        })) {
    callback_errors().clear();
  }
  CallbackErrors(const CallbackErrors&) = delete;
  CallbackErrors& operator=(const CallbackErrors&) = delete;
  ~CallbackErrors() { set_callback_error_handler(before_); }

 private:
  CallbackErrorHandler before_;
};

TEST(Future, FUT_15_a_throwing_callback_is_reported_and_the_others_still_run) {
  const CallbackErrors errors;
  Promise<int> promise;
  const auto future = promise.get_future();
  std::vector<int> ran;
  future.add_done_callback([&](const Future<int>&) { ran.push_back(1); });
  future.add_done_callback([](const Future<int>&) { throw std::out_of_range("from a callback"); });
  future.add_done_callback([](const Future<int>&) { throw 7; });
  future.add_done_callback([&](const Future<int>&) { ran.push_back(2); });
  promise.set_result(1);
  EXPECT_THAT(ran, ElementsAre(1, 2));
  EXPECT_THAT(callback_errors(), ElementsAre("std::out_of_range: from a callback", "int"));
}

TEST(Future, FUT_15_without_a_handler_the_error_is_written_to_standard_error) {
  Promise<int> promise;
  const auto future = promise.get_future();
  future.add_done_callback([](const Future<int>&) { throw std::out_of_range("from a callback"); });
  ::testing::internal::CaptureStderr();
  promise.set_result(1);
  EXPECT_THAT(::testing::internal::GetCapturedStderr(),
              MatchesRegex("poolmark: a done-callback of <Future at 0x[0-9a-f]+ state=finished "
                           "returned int> threw std::out_of_range: from a callback\n"));
}

TEST(Future, FUT_15_no_handler_means_the_one_that_writes_to_standard_error) {
  const CallbackErrors errors;
  set_callback_error_handler(nullptr);
  Promise<int> promise;
  promise.get_future().add_done_callback([](const Future<int>&) { throw 7; });
  ::testing::internal::CaptureStderr();
  promise.set_result(1);
  EXPECT_THAT(::testing::internal::GetCapturedStderr(), HasSubstr("threw int"));
  EXPECT_THAT(callback_errors(), ElementsAre());
}

TEST(Future, FUT_16_a_callback_of_a_done_future_runs_at_once) {
  Promise<int> promise;
  const auto future = promise.get_future();
  promise.set_result(9);
  int seen = 0;
  future.add_done_callback([&](const Future<int>& done) { seen = done.result(); });
  EXPECT_EQ(seen, 9);

  Promise<int> cancelled;
  cancelled.get_future().cancel();
  bool told = false;
  cancelled.get_future().add_done_callback(
      [&](const Future<int>& done) { told = done.cancelled(); });
  EXPECT_TRUE(told);
}

TEST(Future, FUT_17_an_immediate_callback_that_throws_does_not_reach_the_one_who_added_it) {
  const CallbackErrors errors;
  Promise<int> promise;
  promise.set_result(9);
  EXPECT_NO_THROW(promise.get_future().add_done_callback(
      [](const Future<int>&) { throw std::out_of_range("at once"); }));
  EXPECT_THAT(callback_errors(), ElementsAre("std::out_of_range: at once"));
}

TEST(Future, FUT_18_callbacks_run_in_order_and_one_added_by_a_callback_at_once) {
  Promise<int> promise;
  const auto future = promise.get_future();
  std::vector<int> order;
  future.add_done_callback([&](const Future<int>& done) {
    order.push_back(1);
    done.add_done_callback([&](const Future<int>&) { order.push_back(2); });
  });
  future.add_done_callback([&](const Future<int>&) { order.push_back(3); });
  promise.set_result(0);
  EXPECT_THAT(order, ElementsAre(1, 2, 3));
}

TEST(Future, FUT_18_callbacks_and_what_they_hold_are_destroyed_after_their_run) {
  auto held = std::make_shared<int>(1);
  Promise<int> promise;
  const auto future = promise.get_future();
  future.add_done_callback([held](const Future<int>&) {});
  EXPECT_EQ(held.use_count(), 2);
  promise.set_result(0);
  EXPECT_EQ(held.use_count(), 1);
}

TEST(Future, FUT_13_a_callback_may_only_move) {
  Promise<int> promise;
  int seen = 0;
  promise.get_future().add_done_callback(
      [&seen, owned = std::make_unique<int>(4)](const Future<int>&) { seen = *owned; });
  promise.set_result(0);
  EXPECT_EQ(seen, 4);
}

TEST(Future, FUT_20_the_claim_of_a_pending_future_succeeds) {
  Promise<int> promise;
  EXPECT_TRUE(promise.set_running_or_notify_cancel());
  EXPECT_FALSE(promise.get_future().cancel());
}

TEST(Future, FUT_21_the_claim_of_a_cancelled_future_returns_false) {
  Promise<int> promise;
  EXPECT_TRUE(promise.get_future().cancel());
  EXPECT_FALSE(promise.set_running_or_notify_cancel());
  // CPython tells the waiters only now; here they know since cancel().
  EXPECT_TRUE(promise.get_future().done());
}

TEST(Future, FUT_22_claiming_twice_or_when_done_is_an_error) {
  Promise<int> promise;
  promise.set_running_or_notify_cancel();
  EXPECT_THROW(promise.set_running_or_notify_cancel(), InvalidStateError);
  promise.set_result(1);
  EXPECT_THROW(promise.set_running_or_notify_cancel(), InvalidStateError);
}

TEST(Future, FUT_23_the_first_outcome_stays) {
  Promise<int> value;
  value.set_result(1);
  EXPECT_THROW(value.set_result(2), InvalidStateError);
  EXPECT_THROW(value.set_exception(an_error()), InvalidStateError);
  EXPECT_FALSE(value.try_set_result(2));
  EXPECT_EQ(value.get_future().result(), 1);

  Promise<int> error;
  error.set_exception(an_error());
  EXPECT_THROW(error.set_exception(an_error()), InvalidStateError);
  EXPECT_THROW(error.set_result(2), InvalidStateError);
  EXPECT_FALSE(error.try_set_exception(an_error()));
  EXPECT_THROW(error.get_future().result(), std::out_of_range);
}

TEST(Future, FUT_23_one_of_many_threads_sets_the_outcome) {
  for (int round = 0; round < 200; ++round) {
    Promise<int> promise;
    std::atomic<int> winners{0};
    {
      std::vector<std::jthread> setters;
      for (int i = 0; i < 3; ++i) {
        setters.emplace_back([&, i] { winners += promise.try_set_result(i) ? 1 : 0; });
      }
      setters.emplace_back([&] { winners += promise.get_future().cancel() ? 1 : 0; });
    }
    ASSERT_EQ(winners, 1);
  }
}

TEST(Future, FUT_24_an_outcome_for_a_cancelled_future_is_an_error) {
  Promise<int> promise;
  promise.get_future().cancel();
  EXPECT_THROW(promise.set_result(1), InvalidStateError);
  EXPECT_THROW(promise.set_exception(an_error()), InvalidStateError);
  EXPECT_FALSE(promise.try_set_result(1));
  EXPECT_THROW(promise.get_future().result(), CancelledError);
}

TEST(Future, FUT_26_no_exception_is_no_exception) {
  Promise<int> promise;
  EXPECT_THROW(promise.set_exception(nullptr), std::invalid_argument);
  EXPECT_FALSE(promise.get_future().done());
  promise.set_result(1);
}

struct ThrowsWhenMade {
  explicit ThrowsWhenMade(int) { throw std::out_of_range("cannot be made"); }
};

TEST(Future, FUT_25_a_value_that_cannot_be_stored_leaves_its_error) {
  Promise<ThrowsWhenMade> promise;
  promise.set_result(1);
  EXPECT_THROW(promise.get_future().result(), std::out_of_range);
}

TEST(Future, a_promise_that_is_dropped_leaves_an_error_and_no_hang) {
  Future<int> dropped;
  Future<int> overwritten;
  {
    Promise<int> promise;
    overwritten = promise.get_future();
    promise = Promise<int>();
    dropped = promise.get_future();
  }
  EXPECT_THROW(overwritten.result(), BrokenExecutor);
  EXPECT_THROW(dropped.result(), BrokenExecutor);
}

TEST(Future, FUT_27_the_text_form_tells_every_state) {
  Promise<std::vector<int>> promise;
  const auto future = promise.get_future();
  EXPECT_THAT(to_string(future), MatchesRegex("<Future at 0x[0-9a-f]+ state=pending>"));
  promise.set_running_or_notify_cancel();
  EXPECT_THAT(to_string(future), HasSubstr("state=running>"));
  promise.set_result(3U, 1);
  std::ostringstream out;
  out << future;
  EXPECT_THAT(out.str(), HasSubstr("state=finished returned std::vector<int"));
  EXPECT_EQ(fmt::format("{}", AnyFuture(future)), out.str());
  EXPECT_THAT(Future<std::vector<int>>(future).take(), ElementsAre(1, 1, 1));
  EXPECT_THAT(to_string(future), HasSubstr("(taken)>"));

  Promise<int> cancelled;
  cancelled.get_future().cancel();
  EXPECT_THAT(to_string(cancelled.get_future()), HasSubstr("state=cancelled>"));
  EXPECT_EQ(to_string(AnyFuture()), "<Future of nothing>");
}

TEST(Future, FUT_29_a_copy_is_the_same_future_and_a_default_one_is_none) {
  Promise<int> promise;
  const auto future = promise.get_future();
  const AnyFuture erased = future;
  EXPECT_TRUE(future.valid());
  EXPECT_EQ(erased, future);
  EXPECT_EQ(std::hash<AnyFuture>{}(erased), std::hash<Future<int>>{}(future));
  EXPECT_TRUE((erased <=> future) == 0);
  EXPECT_FALSE(Future<int>().valid());
  EXPECT_NE(Future<int>(), future);
  promise.set_result(1);
}

TEST(Future, FUT_07_a_temporary_future_gives_its_value_by_copy) {
  Promise<std::string> promise;
  promise.set_result("text");
  static_assert(std::is_same_v<decltype(promise.get_future().result()), std::string>);
  const auto future = promise.get_future();
  static_assert(std::is_same_v<decltype(future.result()), const std::string&>);
  EXPECT_EQ(promise.get_future().result(), "text");
  EXPECT_EQ(future.result(), "text");
}

TEST(Future, FUT_07_a_void_future_is_read_and_taken) {
  Promise<void> promise;
  promise.set_result();
  promise.get_future().result();
  promise.get_future().take();
  EXPECT_THROW(promise.get_future().take(), InvalidStateError);
}

struct Counted {
  Counted() { ++alive; }
  Counted(const Counted& /*other*/) { ++alive; }
  Counted& operator=(const Counted&) = default;
  ~Counted() { --alive; }
  static inline int alive = 0;
};

TEST(Future, FUT_07_take_leaves_nothing_of_the_value_behind) {
  Promise<Counted> promise;
  promise.set_result(Counted());
  auto future = promise.get_future();
  EXPECT_EQ(Counted::alive, 1);
  {
    const Counted taken = std::move(future).take();
    EXPECT_EQ(Counted::alive, 1);
  }
  EXPECT_EQ(Counted::alive, 0);
}

TEST(Future, FUT_07_take_throws_what_the_task_threw_or_that_it_was_cancelled) {
  Promise<std::unique_ptr<int>> failed;
  failed.set_exception(an_error());
  EXPECT_THROW(failed.get_future().take(), std::out_of_range);
  Promise<std::unique_ptr<int>> cancelled;
  cancelled.get_future().cancel();
  EXPECT_THROW(cancelled.get_future().take(), CancelledError);
}

TEST(Future, FUT_12_a_timeout_as_long_as_the_clock_is_for_ever) {
  Promise<int> promise;
  std::jthread setter([&, test = this_thread_id()] {
    await_sleep_of(test);
    promise.set_result(5);
  });
  EXPECT_EQ(promise.get_future().result(std::chrono::hours::max()), 5);
  EXPECT_EQ(promise.get_future().result(std::chrono::nanoseconds::min()), 5);
}

TEST(Future, EXE_07_a_dropped_future_lets_go_of_its_error) {
  auto held = std::make_shared<int>(3);
  const std::weak_ptr<int> error = held;
  {
    Promise<int> promise;
    promise.set_exception(std::make_exception_ptr(std::move(held)));
    EXPECT_FALSE(error.expired());
  }
  EXPECT_TRUE(error.expired());
}

}  // namespace
}  // namespace poolmark::test
