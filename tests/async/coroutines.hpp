#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>
#include <string>

#include "event.hpp"
#include "executors.hpp"
#include "poolmark/async_executor.hpp"

/// Coroutine functions that the tests of the event loop submit.
namespace poolmark::test {

inline Coroutine<int> doubled(int x) { co_return 2 * x; }

inline Coroutine<int> doubled_after_a_turn(int x) {
  co_await sleep(0s);
  co_return 2 * x;
}

inline Coroutine<int> throw_after_a_turn(std::string what) {
  co_await sleep(0s);
  throw std::out_of_range(what);
}

/// Rests until it is cancelled.
inline Coroutine<int> rest_for_ever() {
  co_await sleep(24h);
  co_return 0;
}

/// Waits in a coroutine until the test, or another coroutine, lets it through: open() completes a
/// future, which any number of coroutines await.
class Gate {
 public:
  const Future<void>& opened() const noexcept { return opened_; }
  void open() { promise_.set_result(); }

 private:
  Promise<void> promise_;
  Future<void> opened_ = promise_.get_future();
};

}  // namespace poolmark::test
