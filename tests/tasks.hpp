#pragma once

#include <stdexcept>
#include <string>

#include "event.hpp"
#include "poolmark/errors.hpp"

/// What the tests submit: plain functions, which every executor takes, a process pool too.
namespace poolmark::test {

inline int square(int x) { return x * x; }
inline int add(int x, int y) { return x + y; }
inline int identity(int x) { return x; }
inline void do_nothing() {}

inline std::string repeat(const std::string& text, int times) {
  std::string repeated;
  for (int i = 0; i < times; ++i) repeated += text;
  return repeated;
}

inline int throw_out_of_range(int which) {
  throw std::out_of_range("no element " + std::to_string(which));
}

inline int throw_timeout_error(int) { throw TimeoutError("the task's own timeout"); }

inline int square_unless_three(int x) {
  if (x == 3) throw std::out_of_range("three");
  return x * x;
}

inline int post(MailboxName box, int message) {
  box.post(message);
  return message;
}

/// Occupies a worker until the test lets it go.
inline int hold_worker(EventName begun, EventName may_end, int result) {
  begun.set();
  may_end.wait();
  return result;
}

inline int hold_worker_then_throw(EventName begun, EventName may_end) {
  begun.set();
  may_end.wait();
  throw std::out_of_range("after the wait");
}

inline int return_when(EventName may_end, int result) {
  may_end.wait();
  return result;
}

inline int throw_when(EventName may_end) {
  may_end.wait();
  throw std::out_of_range("after the wait");
}

}  // namespace poolmark::test
