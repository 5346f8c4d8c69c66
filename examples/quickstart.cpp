// Ten lines: the same work on a pool of threads and on a pool of processes.
#include <poolmark/futures.hpp>

#include <vector>

namespace pm = poolmark;

int cube(int x) { return x * x * x; }

int main() {
  pm::start_zygote();  // before any thread: worker processes are forked from here
  pm::ThreadPoolExecutor threads{2};
  pm::ProcessPoolExecutor processes{
      {.max_workers = 2, .start_method = pm::StartMethod::ProcessZygote}};
  const std::vector<int> numbers{1, 2, 3, 4, 5};

  pm::Future<int> one = threads.submit(cube, 10);
  fmt::print("one task: {} -> {}\n", one.result(), one);

  int sum = 0;
  for (int value : processes.map(cube, numbers)) sum += value;
  fmt::print("the cubes of 1 to 5, from worker processes, add up to {}\n", sum);
  return sum == 225 ? 0 : 1;
}
