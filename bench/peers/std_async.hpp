#pragma once

#include "peers/peer.hpp"

namespace bench {

/// std::async: a new thread for each task. No post(): a future of std::async that is dropped
/// blocks.
class StdAsync {
 public:
  static constexpr std::string_view kName = "std_async";
  static constexpr bool kHasNoWorkers = true;

  explicit StdAsync(int) {}

  auto submit(auto f) { return std::async(std::launch::async, std::move(f)); }
};

}  // namespace bench
