#include "poolmark/detail/program_end.hpp"

#include <cstdlib>
#include <new>

#include "poolmark/errors.hpp"

namespace poolmark::detail {

constinit std::atomic<bool> program_is_ending{false};

void notice_the_end_of_the_program() {
  // Not when the library is loaded: then nothing of main() would ever be refused. And not with each
  // executor: what was made after one may use it to the end, as it may any object.
  [[maybe_unused]] static const bool kRegistered = [] {
    const auto note = [] { program_is_ending.store(true, std::memory_order_relaxed); };
    if (std::atexit(note) != 0) throw std::bad_alloc();
    return true;
  }();
}

void refuse_because_the_program_ends() {
  throw ShutdownError(
      "submit() while the program ends: exit() has come to what was there before the first "
      "executor, and no executor takes work any more");
}

}  // namespace poolmark::detail
