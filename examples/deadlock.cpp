// Two tasks that wait for each other never end, here as in Python: the pool cannot know that they
// should not have been started. wait() with a timeout shows it, and a value from outside ends it.
#include <poolmark/futures.hpp>

#include <chrono>
#include <vector>

namespace pm = poolmark;
using namespace std::chrono_literals;

int main() {
  pm::ThreadPoolExecutor pool{2};
  pm::Promise<int> a_result;
  pm::Promise<int> b_result;

  const pm::Future<int> a = pool.submit([b = b_result.get_future()] { return b.result() + 1; });
  const pm::Future<int> b = pool.submit([a = a_result.get_future()] { return a.result() + 1; });

  const auto stuck = pm::wait(std::vector{a, b}, {.timeout = 50ms});
  fmt::print("done: {}, not done: {}\n", stuck.done.size(), fmt::join(stuck.not_done, ", "));

  // A worker that waits for a future of its own pool holds a worker that could have run it.
  // Give the pool no such circle; here the circle is cut by hand.
  a_result.set_result(5);
  b_result.set_result(6);
  fmt::print("a: {}, b: {}\n", a.result(), b.result());
  return stuck.not_done.size() == 2 ? 0 : 1;
}
