#pragma once

#include <filesystem>
#include <string>

namespace poolmark::harness::detail {

/// A file that is written at the end of a run or not at all: into a temporary file beside it, which
/// then takes its name. Until then an older file of that name stays as it is.
class OutputFile {
 public:
  /// Throws UsageError if `path` cannot be written; finds out by making the temporary file once.
  /// `flag` is the one that its sentence names.
  explicit OutputFile(const std::string& path, std::string flag = "--benchmark_out");

  /// Throws UsageError if the file system refuses now; the older file is then still there.
  void write(const std::string& text) const;

  /// Whether one of the two would take the other's place.
  bool replaces(const OutputFile& other) const;

 private:
  [[noreturn]] void refuse(const std::string& why) const;

  std::string flag_;
  std::filesystem::path path_;
  std::filesystem::path temporary_;  // empty: a pipe or device, which is written directly
};

}  // namespace poolmark::harness::detail
