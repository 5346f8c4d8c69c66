#include "poolmark/map.hpp"

#include <fmt/core.h>

#include <chrono>
#include <cstdio>

namespace poolmark::detail {

void check(const MapOptions& options) {
  if (options.chunksize && *options.chunksize < 1) {
    throw std::invalid_argument(fmt::format(
        "chunksize is {}: it must be at least 1, the number of elements a worker takes at once; "
        "leave it out to have it chosen",
        *options.chunksize));
  }
  if (options.buffersize && *options.buffersize < 1) {
    throw std::invalid_argument(fmt::format(
        "buffersize is {}: it must be at least 1; leave it out to submit everything at once",
        *options.buffersize));
  }
}

void await_reader(FutureState& chunk) {
  try {
    chunk.wait_done(std::nullopt);
  } catch (const DeadlockError& error) {
    if (chunk.is_inherited()) throw;
    fmt::print(stderr, "poolmark: a map cannot end, its tasks read the caller's range: {}\n",
               error.what());
    // With a deadline, if a distant one, a wait is never refused.
    chunk.wait_done(std::chrono::steady_clock::time_point::max());
  }
}

}  // namespace poolmark::detail
