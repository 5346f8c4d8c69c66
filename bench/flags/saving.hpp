#pragma once

#include <filesystem>
#include <string_view>

namespace bench::flags {

/// Writes the file whole or not at all, in the place of one that is there: under another name in
/// the same directory first. Any thread or process, also several for one name. std::system_error,
/// which names the file. (The harness's own files are written once, at the end of a run, and their
/// errors speak of its flags.)
void save(std::string_view bytes, const std::filesystem::path& file);

}  // namespace bench::flags
