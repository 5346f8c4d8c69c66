#include "poolmark/map.hpp"

#include <fmt/core.h>

namespace poolmark::detail {

void check(const MapOptions& options) {
  if (options.chunksize < 1) {
    throw std::invalid_argument(
        fmt::format("chunksize is {}: it must be at least 1, the number of elements a task takes",
                    options.chunksize));
  }
  if (options.buffersize && *options.buffersize < 1) {
    throw std::invalid_argument(fmt::format(
        "buffersize is {}: it must be at least 1; leave it out to submit everything at once",
        *options.buffersize));
  }
}

}  // namespace poolmark::detail
