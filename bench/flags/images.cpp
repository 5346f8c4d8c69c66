#include "flags/images.hpp"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <cctype>

namespace bench::flags {

std::string path_of(std::string_view code) {
  std::string name(code);
  std::ranges::transform(name, name.begin(), [](unsigned char c) { return std::tolower(c); });
  return fmt::format("{0}/{0}.gif", name);
}

const Image* find_image(std::string_view code) {
  const auto found = std::ranges::find(images(), code, &Image::code);
  return found == images().end() ? nullptr : &*found;
}

std::uint32_t checksum(std::string_view bytes) {
  return static_cast<std::uint32_t>(
      crc32_z(0, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size()));
}

std::string described(std::string_view bytes) {
  return fmt::format("{} bytes with CRC-32 {:08x}", bytes.size(), checksum(bytes));
}

}  // namespace bench::flags
