// The two programs with which Python's manual warns of deadlocks. Both hang there. Here a task that
// waits for one behind it runs that one itself, and of two that wait for each other one is told.
#include <poolmark/futures.hpp>

namespace pm = poolmark;

namespace {

/// Waits for another task, whose handle comes when both have been submitted.
int wait_for(const pm::Future<pm::Future<int>>& handed, int otherwise) {
  const pm::Future<int> other = handed.result();
  try {
    return other.result();
  } catch (const pm::DeadlockError& error) {
    fmt::print("{}\n", error.what());
    return otherwise;
  }
}

/// wait_on_b and wait_on_a: true if both end.
bool two_that_wait_for_each_other() {
  pm::ThreadPoolExecutor pool{2};
  pm::Promise<pm::Future<int>> to_b;
  pm::Promise<pm::Future<int>> to_a;
  const auto a = pool.submit(wait_for, to_b.get_future(), 5);
  const auto b = pool.submit(wait_for, to_a.get_future(), 6);
  to_a.set_result(a);
  to_b.set_result(b);
  fmt::print("a: {}, b: {}\n", a.result(), b.result());
  return a.result() == b.result();
}

/// wait_on_future: the only worker waits for a task that only it could run.
bool one_that_waits_for_one_behind_it() {
  pm::ThreadPoolExecutor pool{1};
  const auto outer = pool.submit([&pool] {
    const auto behind = pool.submit([](int x) { return x * x; }, 5);
    return behind.result();
  });
  fmt::print("{}\n", outer.result());
  return outer.result() == 25;
}

}  // namespace

int main() {
  const bool both_end = two_that_wait_for_each_other();
  const bool one_ends = one_that_waits_for_one_behind_it();
  return both_end && one_ends ? 0 : 1;
}
