// When to use which: wait() gives everything that was done in time, as one batch; as_completed()
// gives each result the moment it is there. A program of the Fluent Python lessons.
#include <poolmark/futures.hpp>

#include <chrono>
#include <thread>
#include <vector>

namespace pm = poolmark;
using namespace std::chrono_literals;

std::chrono::milliseconds nap(std::chrono::milliseconds length) {
  std::this_thread::sleep_for(length);
  return length;
}

std::vector<pm::Future<std::chrono::milliseconds>> schedule(pm::ThreadPoolExecutor& pool) {
  std::vector<pm::Future<std::chrono::milliseconds>> futures;
  for (const auto length : {40ms, 10ms, 30ms, 20ms}) {
    futures.push_back(pool.submit(nap, length));
    fmt::print("scheduled {:2} ms: {}\n", length.count(), futures.back());
  }
  return futures;
}

int main() {
  pm::ThreadPoolExecutor pool{4};

  fmt::print("wait, at most 7 s:\n");
  const auto batch = schedule(pool);
  const auto [done, not_done] = pm::wait(batch, {.timeout = 7s});
  fmt::print("done: {}, pending: {}\n", done.size(), not_done.size());

  fmt::print("as_completed:\n");
  std::size_t seen = 0;
  for (auto& future : pm::as_completed(schedule(pool), {.timeout = 7s})) {
    fmt::print("{:2} ms: {}\n", future.result().count(), future);
    ++seen;
  }
  return done.size() == 4 && not_done.empty() && seen == 4 ? 0 : 1;
}
