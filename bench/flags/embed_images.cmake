# Writes OUTPUT, a C++ file with the bytes of every image in DIRECTORY:
#   cmake -DDIRECTORY=... -DOUTPUT=... -P embed_images.cmake

file(GLOB images "${DIRECTORY}/*.gif")
list(SORT images)
set(arrays "")
set(entries "")
foreach(image IN LISTS images)
  get_filename_component(name "${image}" NAME_WE)
  string(TOUPPER "${name}" code)
  file(READ "${image}" bytes HEX)
  string(REGEX REPLACE "(..)" "0x\\1," bytes "${bytes}")
  string(APPEND arrays "constexpr unsigned char k${code}[] = {${bytes}};\n")
  string(APPEND entries "    {\"${code}\", bytes_of(k${code})},\n")
endforeach()

file(
  WRITE "${OUTPUT}"
  "#include <string_view>

#include \"flags/images.hpp\"

namespace bench::flags {
namespace {

${arrays}
template <std::size_t kSize>
std::string_view bytes_of(const unsigned char (&bytes)[kSize]) {
  return {reinterpret_cast<const char*>(bytes), kSize};
}

}  // namespace

const std::vector<Image>& images() {
  static const std::vector<Image> kImages{
${entries}  };
  return kImages;
}

}  // namespace bench::flags
")
