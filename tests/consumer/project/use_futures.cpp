#include <poolmark/futures.hpp>

#include <vector>

namespace pm = poolmark;

namespace {

int square(int x) { return x * x; }

/// The sum of some squares, one way and the other.
template <class Executor>
bool adds_up(Executor& pool) {
  const std::vector<int> numbers{1, 2, 3};
  int sum = 0;
  for (const int value : pool.map(square, numbers)) sum += value;
  std::vector<pm::Future<int>> futures;
  for (const int x : numbers) futures.push_back(pool.submit(square, x));
  for (auto& future : pm::as_completed(futures)) sum -= future.result();
  return sum == 0;
}

pm::Coroutine<int> square_later(int x) {
  co_await pm::sleep(std::chrono::milliseconds(1));
  co_return x* x;
}

}  // namespace

int main() {
  pm::start_zygote();
  pm::SequentialExecutor sequential;
  pm::ThreadPoolExecutor threads(2);
  pm::ProcessPoolExecutor processes(
      {.max_workers = 2, .start_method = pm::StartMethod::ProcessZygote});
  pm::AsyncExecutor loop;
  const bool rests = loop.submit(square_later, 3).result() == 9;
  return rests && adds_up(sequential) && adds_up(threads) && adds_up(processes) && adds_up(loop)
             ? 0
             : 1;
}
