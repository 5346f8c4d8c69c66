#pragma once

#include <cstddef>

namespace poolmark::detail {

/// Memory that this process shares with another one.
struct SharedBlock {
  std::byte* data = nullptr;
  std::size_t capacity = 0;
};

/// Where shared memory comes from. Content that is too large to flow through a ring is written
/// there at once, and needs no copy to cross.
class SharedBlocks {
 public:
  /// Null if there is none: the content goes into memory of this process then, and through a ring.
  virtual SharedBlock* obtain(std::size_t least) noexcept = 0;
  virtual void give_back(SharedBlock* block) noexcept = 0;

 protected:
  ~SharedBlocks() = default;
};

}  // namespace poolmark::detail
