#pragma once

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

namespace bench::test {

inline std::string content_of(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

}  // namespace bench::test
