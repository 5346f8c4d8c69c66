#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "poolmark/detail/futex.hpp"
#include "poolmark/detail/shared_block.hpp"
#include "process/owned_fd.hpp"
#include "process/shared_memory.hpp"

// Large calls and answers, in memory files that the pool owns and lends to its workers with a task.
namespace poolmark::detail {

/// What a worker must know to map a file of the pool.
struct PayloadName {
  std::uint64_t id;  // never used twice
  std::uint64_t capacity;
  std::int32_t descriptor;  // in the process that has the pool
  std::uint32_t unused;
};

/// A memory file, mapped here.
class PayloadFile final : public SharedBlock {
 public:
  /// Throws std::system_error.
  PayloadFile(std::uint64_t id, std::size_t size);

  PayloadName name() const noexcept { return {id_, capacity, file_.get(), 0}; }

 private:
  std::uint64_t id_;
  OwnedFd file_;
  SharedMapping mapping_;
};

/// The files of a pool. Keeps some that are not in use: their pages are there already, here and in
/// the workers that have used them, which makes a file several times as fast as a new one. Any
/// thread may use it; it does not block but for the system's allocation of memory.
class PayloadStore final : public SharedBlocks {
 public:
  PayloadStore() = default;
  ~PayloadStore();

  SharedBlock* obtain(std::size_t least) noexcept override;
  void give_back(SharedBlock* block) noexcept override;

  bool has_unused() const noexcept;
  void drop_unused() noexcept;

 private:
  std::unique_ptr<PayloadFile> take_unused(std::size_t least) noexcept;
  /// Counts one more, unless there are so many that descriptors could get scarce.
  bool may_make_another() noexcept;

  mutable FutexMutex mutex_;
  std::vector<std::unique_ptr<PayloadFile>> unused_;
  std::size_t unused_bytes_ = 0;
  std::uint64_t next_id_ = 1;
  int files_ = 0;  // that there are, in use or not
};

}  // namespace poolmark::detail
