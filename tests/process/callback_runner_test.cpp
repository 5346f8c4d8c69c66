#include "process/callback_runner.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <future>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "event.hpp"
#include "poolmark/detail/typed_state.hpp"

// The thread that runs the done-callbacks of a process pool.
namespace poolmark::detail {
namespace {

using test::Event;

class CallbackThat final : public Callback {
 public:
  explicit CallbackThat(std::function<void()> action) : action_(std::move(action)) {}
  void run(FutureState&) noexcept override { action_(); }

 private:
  std::function<void()> action_;
};

CallbackRunner::Callbacks callback_that(std::function<void()> action) {
  CallbackList list;
  list.push_earlier(new CallbackThat(std::move(action)));
  CallbackRunner::Callbacks callbacks;
  callbacks.emplace_back(make_intrusive<TypedState<int>>(), std::move(list));
  return callbacks;
}

TEST(CallbackRunner, runs_callbacks_in_a_thread_of_its_own_in_their_order) {
  CallbackRunner runner;
  std::vector<int> order;
  bool in_its_thread = false;
  runner.run(callback_that([&] { in_its_thread = runner.is_this_thread(); }));
  for (int i = 0; i < 3; ++i) runner.run(callback_that([&order, i] { order.push_back(i); }));
  runner.end();
  runner.join();
  EXPECT_TRUE(in_its_thread);
  EXPECT_FALSE(runner.is_this_thread());
  EXPECT_EQ(order, (std::vector{0, 1, 2}));
}

TEST(CallbackRunner, what_was_posted_before_the_end_is_run) {
  CallbackRunner runner;
  Event begun;
  Event may_go_on;
  bool last_ran = false;
  runner.run(callback_that([&] {
    begun.set();
    may_go_on.wait();
  }));
  begun.wait();
  runner.run(callback_that([&] { last_ran = true; }));
  runner.end();
  may_go_on.set();
  runner.join();
  EXPECT_TRUE(last_ran);
}

TEST(CallbackRunner, its_thread_may_outlive_it) {
  Event may_go_on;
  // No Event: the thread sanitizer does not see that a pipe orders two threads.
  const auto done = std::make_shared<std::promise<void>>();
  std::future<void> is_done = done->get_future();
  {
    CallbackRunner runner;
    runner.run(callback_that([&] { may_go_on.wait(); }));
    runner.run(callback_that([done] { done->set_value(); }));
    runner.end();
  }
  may_go_on.set();
  is_done.wait();
}

}  // namespace
}  // namespace poolmark::detail
