// The only worker of a pool waits for a task that only it could run. In Python it waits for ever.
// Here it runs that task in place; where that is turned off, it gets DeadlockError.
#include <poolmark/futures.hpp>

#include <chrono>
#include <vector>

namespace pm = poolmark;
using namespace std::chrono_literals;

int square(int x) { return x * x; }

void wait_on_future(pm::ThreadPoolExecutor& executor) {
  const auto f = executor.submit(square, 5);
  // There is only one worker thread, and it is executing this function.
  fmt::print("{}\n", f.result());
}

void show(pm::ThreadPoolExecutor& executor) {
  const auto c = executor.submit(wait_on_future, std::ref(executor));
  fmt::print("{}\n", pm::wait(std::vector{c}, {.timeout = 7s}));
  try {
    c.result();
  } catch (const pm::DeadlockError& error) {
    fmt::print("{}\n", error);
  }
}

int main() {
  pm::ThreadPoolExecutor runs_in_place{1};
  show(runs_in_place);

  pm::ThreadPoolExecutor only_waits{{.max_workers = 1, .run_in_place = false}};
  show(only_waits);
}
