#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

/// The flags of the twenty most populous countries, simplified: what is downloaded.
namespace bench::flags {

struct Image {
  std::string code;        ///< of the country, as in "BR"
  std::string_view bytes;  ///< a GIF file
};

/// All of them, by their codes.
const std::vector<Image>& images();

/// Where a flag is below the address of a server: "br/br.gif".
std::string path_of(std::string_view code);

/// Null if there is no such country.
const Image* find_image(std::string_view code);

/// CRC-32, as zlib and gzip have it.
std::uint32_t checksum(std::string_view bytes);

/// "2135 bytes with CRC-32 3f2a910c".
std::string described(std::string_view bytes);

}  // namespace bench::flags
