// Two tasks that wait for each other. In Python both wait for ever. Here the one that closes the
// circle gets DeadlockError, which is the outcome of both.
#include <poolmark/futures.hpp>

#include <chrono>
#include <latch>
#include <vector>

namespace pm = poolmark;
using namespace std::chrono_literals;

pm::Future<int> a;
pm::Future<int> b;
std::latch both_run{3};  // and main() has handed out a and b

int wait_on_b() {
  both_run.arrive_and_wait();
  fmt::print("{}\n", b.result());  // b will never complete because it is waiting on a
  return 5;
}

int wait_on_a() {
  both_run.arrive_and_wait();
  fmt::print("{}\n", a.result());  // a will never complete because it is waiting on b
  return 6;
}

int main() {
  pm::ThreadPoolExecutor executor{2};
  a = executor.submit(wait_on_b);
  b = executor.submit(wait_on_a);
  both_run.count_down();

  fmt::print("{}\n", pm::wait(std::vector{a, b}, {.timeout = 7s}));
  try {
    a.result();
  } catch (const pm::DeadlockError& error) {
    fmt::print("{}\n", error);
  }
}
