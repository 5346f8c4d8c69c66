#include <fmt/ranges.h>

#include <array>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "executors.hpp"

// What is printed when a future, an error or the result of wait() is printed: Python's text,
// through fmt and through streams.
namespace poolmark::test {
namespace {

using ::testing::HasSubstr;
using ::testing::MatchesRegex;

/// The text, which must be the same both ways.
template <class T>
std::string text_of(const T& value) {
  std::ostringstream out;
  out << value;
  EXPECT_EQ(fmt::format("{}", value), out.str());
  return out.str();
}

template <class T>
std::string text_of_returned(T value) {
  Promise<T> promise;
  promise.set_result(std::move(value));
  return text_of(promise.get_future());
}

template <class E>
std::string text_of_raised(E error) {
  Promise<int> promise;
  promise.set_exception(std::make_exception_ptr(std::move(error)));
  return text_of(promise.get_future());
}

TEST(TextForm, FUT_27_of_a_future_that_is_not_done) {
  Promise<int> promise;
  EXPECT_THAT(text_of(promise.get_future()), MatchesRegex("<Future at 0x[0-9a-f]+ state=pending>"));
  promise.set_running_or_notify_cancel();
  EXPECT_THAT(text_of(promise.get_future()), MatchesRegex("<Future at 0x[0-9a-f]+ state=running>"));
}

TEST(TextForm, FUT_27_of_a_cancelled_future) {
  Promise<int> promise;
  promise.get_future().cancel();
  EXPECT_THAT(text_of(promise.get_future()),
              MatchesRegex("<Future at 0x[0-9a-f]+ state=cancelled>"));
}

TEST(TextForm, FUT_27_of_a_finished_future) {
  EXPECT_THAT(text_of_returned(5),
              MatchesRegex("<Future at 0x[0-9a-f]+ state=finished returned int>"));
  EXPECT_THAT(text_of_raised(std::out_of_range("far")),
              MatchesRegex("<Future at 0x[0-9a-f]+ state=finished raised std::out_of_range>"));
  EXPECT_THAT(text_of_raised(DeadlockError("never")),
              HasSubstr(" state=finished raised poolmark::DeadlockError>"));
  EXPECT_THAT(text_of_raised(42), HasSubstr(" state=finished raised int>"));
  Promise<void> nothing;
  nothing.set_result();
  EXPECT_THAT(text_of(nothing.get_future()), HasSubstr(" state=finished returned void>"));
}

TEST(TextForm, FUT_27_of_a_future_whose_value_was_taken) {
  Promise<int> promise;
  promise.set_result(5);
  Future<int>(promise.get_future()).take();
  EXPECT_THAT(text_of(promise.get_future()), HasSubstr(" state=finished returned int (taken)>"));
}

TEST(TextForm, FUT_27_does_not_depend_on_the_handle) {
  Promise<int> promise;
  promise.set_result(5);
  const Future<int> future = promise.get_future();
  EXPECT_EQ(text_of(AnyFuture(future)), text_of(future));
  EXPECT_EQ(text_of(AnyFuture()), "<Future of nothing>");
  EXPECT_EQ(text_of(Future<int>()), "<Future of nothing>");
}

TEST(TextForm, FUT_27_names_types_as_they_are_written) {
  EXPECT_THAT(text_of_returned(std::string()), HasSubstr("returned std::string>"));
  EXPECT_THAT(text_of_returned(std::string_view()), HasSubstr("returned std::string_view>"));
  EXPECT_THAT(text_of_returned(std::vector<std::string>()),
              HasSubstr("returned std::vector<std::string>>"));
  EXPECT_THAT((text_of_returned(std::map<std::string, std::vector<int>>())),
              HasSubstr("returned std::map<std::string, std::vector<int>>>"));
  EXPECT_THAT((text_of_returned(std::unordered_map<int, int>())),
              HasSubstr("returned std::unordered_map<int, int>>"));
  EXPECT_THAT(text_of_returned(std::unique_ptr<int>()),
              HasSubstr("returned std::unique_ptr<int>>"));
  EXPECT_THAT((text_of_returned(std::array<int, 3>())), HasSubstr("returned std::array<int, 3"));
}

TEST(TextForm, FUT_27_is_aligned_like_a_string_and_never_quoted) {
  const std::string text = to_string(AnyFuture());
  EXPECT_EQ(fmt::format("{:>24}|", AnyFuture()), "     " + text + "|");
  EXPECT_EQ(fmt::format("{}", std::vector<AnyFuture>(2)), "[" + text + ", " + text + "]");
}

TEST(TextForm, WAIT_01_of_what_wait_returns) {
  Promise<int> done;
  Promise<int> pending;
  done.set_result(1);
  const auto result = wait(std::vector{pending.get_future(), done.get_future()}, {.timeout = 0s});
  EXPECT_EQ(text_of(result), fmt::format("DoneAndNotDoneFutures(done=[{}], not_done=[{}])",
                                         done.get_future(), pending.get_future()));
  EXPECT_EQ(text_of(wait(std::vector<AnyFuture>())), "DoneAndNotDoneFutures(done=[], not_done=[])");
}

TEST(TextForm, ERR_02_of_a_timeout_counts_futures) {
  std::vector<Promise<int>> promises(4);
  std::vector<Future<int>> futures;
  for (auto& promise : promises) futures.push_back(promise.get_future());
  for (std::size_t i = 0; i < 3; ++i) promises[i].set_result(1);
  try {
    for (auto& future : as_completed(futures, {.timeout = 0s})) EXPECT_TRUE(future.done());
    FAIL() << "one future is not done";
  } catch (const TimeoutError& error) {
    EXPECT_EQ(text_of(error), "1 (of 4) futures unfinished");
  }
}

template <class E>
class TextOfError : public ::testing::Test {};

using ErrorsWithMessage =
    ::testing::Types<Error, CancelledError, TimeoutError, InvalidStateError, ShutdownError,
                     DeadlockError, BrokenExecutor, BrokenThreadPool, BrokenProcessPool, WorkerDied,
                     DeadlineExceeded, RemoteError>;
TYPED_TEST_SUITE(TextOfError, ErrorsWithMessage);

TYPED_TEST(TextOfError, ERR_01_is_its_message) {
  const TypeParam error(std::string("why it failed"));
  EXPECT_EQ(text_of(error), "why it failed");
  EXPECT_EQ(fmt::format("{:>15}", error), "  why it failed");
}

TEST(TextForm, ERR_03_of_errors_that_make_their_own_sentence) {
  EXPECT_EQ(text_of(CancelledError()), "the future was cancelled");
  EXPECT_THAT(text_of(WorkerDied(WorkerDeath{.pid = 7, .signal = 9, .doing = "running a task"})),
              HasSubstr("worker process 7 ended by signal 9 (Killed) while it was running a task"));
  EXPECT_EQ(text_of(RemoteError("lib::Odd", "it broke")), "lib::Odd: it broke");
  EXPECT_EQ(text_of(DeadlineExceeded(50ms, 7)),
            "the task ran longer than its deadline of 50 ms, so its worker process 7 was killed");
}

}  // namespace
}  // namespace poolmark::test
