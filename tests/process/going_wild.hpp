#pragma once

#include <fstream>
#include <stdexcept>
#include <string>

#include "process/channel.hpp"

namespace poolmark::test {

/// In a worker: writes over everything that stands where its pool looks for answers.
inline void write_over_all_answers() {
  std::ifstream maps("/proc/self/maps");
  std::string line;
  while (line.find("poolmark-channel") == std::string::npos) {
    if (!std::getline(maps, line)) throw std::runtime_error("this process has no channel");
  }
  auto* const channel = reinterpret_cast<detail::ChannelHeader*>(std::stoull(line, nullptr, 16));
  for (detail::TaskCell& cell : channel->cells) cell.word = ~std::uint64_t{0};
}

}  // namespace poolmark::test
