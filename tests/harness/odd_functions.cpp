// Functions that a harness must survive; each workload is one.

#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <iostream>
#include <poolmark/harness.hpp>
#include <stdexcept>

namespace {

/// By all three roads, one of them buffered until the worker ends.
int talk(int x) {
  std::printf("printf %d\n", x);
  std::cout << "cout " << x << '\n';
  const ssize_t written = ::write(STDOUT_FILENO, "write\n", 6);
  return written == 6 ? x : 0;
}

int whisper(int x) { return x; }

int throw_at_7(int x) { return x == 7 ? throw std::runtime_error("seven is too much") : x; }

/// Another value each time, in whichever process.
long change(int) {
  static std::atomic<int> calls{0};
  return 1'000'000L * ::getpid() + ++calls;
}

}  // namespace

int main(int argc, char** argv) {
  poolmark::harness::Suite suite;
  suite.add("talks", {1, 2, 3, 4}, talk)
      .add("whispers", {1, 2}, whisper)
      .add("throws", {3, 5, 7}, throw_at_7)
      .add("changes", {1, 2}, change);
  return suite.main(argc, argv);
}
