#include "poolmark/errors.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <type_traits>

#include "poolmark/future.hpp"

// The families of the errors, and what they say.
namespace poolmark::test {
namespace {

TEST(Errors, ERR_01_being_cancelled_is_an_error_apart) {
  static_assert(std::is_base_of_v<std::runtime_error, Error>);
  static_assert(std::is_base_of_v<Error, CancelledError>);
  static_assert(!std::is_base_of_v<TimeoutError, CancelledError>);
  static_assert(!std::is_base_of_v<BrokenExecutor, CancelledError>);
  Promise<int> promise;
  promise.get_future().cancel();
  EXPECT_THROW(promise.get_future().result(), CancelledError);
}

TEST(Errors, ERR_02_a_wait_that_took_too_long_says_for_how_many) {
  static_assert(std::is_base_of_v<Error, TimeoutError>);
  EXPECT_STREQ(TimeoutError(1, 4).what(), "1 (of 4) futures unfinished");
  Promise<int> promise;
  try {
    promise.get_future().result(std::chrono::seconds(0));
    ADD_FAILURE() << "no TimeoutError";
  } catch (const TimeoutError& error) {
    EXPECT_EQ(error.unfinished, 1U);
    EXPECT_EQ(error.total, 1U);
  }
}

TEST(Errors, ERR_03_broken_executors_are_one_family) {
  static_assert(std::is_base_of_v<Error, BrokenExecutor>);
  static_assert(std::is_base_of_v<BrokenExecutor, BrokenThreadPool>);
  static_assert(std::is_base_of_v<BrokenExecutor, BrokenProcessPool>);
  static_assert(!std::is_base_of_v<BrokenThreadPool, BrokenProcessPool>);
  static_assert(!std::is_base_of_v<BrokenExecutor, ShutdownError>);
  static_assert(!std::is_base_of_v<BrokenExecutor, WorkerDied>);
  Future<int> dropped;
  {
    Promise<int> promise;
    dropped = promise.get_future();
  }
  EXPECT_THROW(dropped.result(), BrokenExecutor);
}

TEST(Errors, ERR_04_what_a_future_in_this_state_cannot_do_is_an_error_apart) {
  static_assert(std::is_base_of_v<Error, InvalidStateError>);
  static_assert(!std::is_base_of_v<BrokenExecutor, InvalidStateError>);
  Promise<int> promise;
  promise.set_result(1);
  EXPECT_THROW(promise.set_result(2), InvalidStateError);
  EXPECT_THROW(promise.set_running_or_notify_cancel(), InvalidStateError);
  EXPECT_EQ(promise.get_future().take(), 1);
  EXPECT_THROW(promise.get_future().take(), InvalidStateError);
}

TEST(Errors, say_what_happened) {
  static_assert(std::is_base_of_v<Error, ShutdownError>);
  static_assert(std::is_base_of_v<Error, DeadlockError>);
  EXPECT_STREQ(RemoteError("Odd", "thing").what(), "Odd: thing");
  EXPECT_STREQ(WorkerDied({.pid = 12, .signal = 9, .doing = "running a task"}).what(),
               "worker process 12 ended by signal 9 (Killed) while it was running a task");
  EXPECT_STREQ(WorkerDied({.pid = 12, .exit_code = 0, .doing = "running a task"}).what(),
               "worker process 12 ended with exit code 0 while it was running a task");
}

}  // namespace
}  // namespace poolmark::test
