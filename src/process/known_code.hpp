#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace poolmark::detail {

/// The code that this process had loaded at one moment: what a process forked then has at the same
/// addresses. Immutable, so any thread may ask.
class KnownCode {
 public:
  /// What is loaded now. Throws std::bad_alloc.
  static KnownCode of_now();

  /// Throws std::invalid_argument, naming the library, if `code` lies in one that was loaded since.
  /// Code that lies in no library at all, made by the program itself, passes.
  void require(const void* code) const {
    // Nearly every task's: the program itself is never unloaded.
    if (!holds(program_, code)) require_library(code);
  }

 private:
  struct Range {
    std::uintptr_t begin = 0;
    std::uintptr_t end = 0;
  };
  struct Library {
    Range code;
    std::string name;
  };
  struct Snapshot {
    std::vector<Library> loaded;     // the program first
    unsigned long long unloads = 0;  // so far
  };

  static bool holds(const Range& range, const void* code) noexcept {
    const auto at = reinterpret_cast<std::uintptr_t>(code);
    return range.begin <= at && at < range.end;
  }
  static Snapshot take_snapshot();
  static unsigned long long count_unloads() noexcept;
  static const Library* find(const std::vector<Library>& libraries, const void* code) noexcept;
  void require_library(const void* code) const;

  Range program_;
  Snapshot then_;
};

}  // namespace poolmark::detail
