#include "process/payload_store.hpp"

#include <algorithm>
#include <bit>

namespace poolmark::detail {
namespace {

// A pool may have a descriptor for each large task that waits, up to so many; the rest goes through
// the rings.
constexpr int kMostFiles = 32;
// Kept while they are not in use, all together.
constexpr std::size_t kMostUnusedBytes = std::size_t{256} << 20;
constexpr std::size_t kSmallest = std::size_t{256} << 10;

/// A little more than asked for, so that tasks of about one size share their files.
std::size_t rounded(std::size_t size) noexcept {
  const std::size_t step = std::max(std::bit_floor(size) / 8, kSmallest);
  return (size + step - 1) / step * step;
}

}  // namespace

PayloadFile::PayloadFile(std::uint64_t id, std::size_t size)
    : id_(id), file_(make_memory_file("poolmark-payload", size)), mapping_(file_.get(), size) {
  data = mapping_.data();
  capacity = size;
}

PayloadStore::~PayloadStore() { drop_unused(); }

SharedBlock* PayloadStore::obtain(std::size_t least) noexcept {
  // Reserved at once, and needed again for the value itself at either end.
  if (least > physical_memory() / 4) return nullptr;
  if (auto unused = take_unused(least)) return unused.release();
  if (!may_make_another()) return nullptr;
  std::uint64_t id = 0;
  {
    const std::lock_guard lock(mutex_);
    id = next_id_++;
  }
  try {
    return std::make_unique<PayloadFile>(id, rounded(least)).release();
  } catch (const std::exception&) {
    const std::lock_guard lock(mutex_);
    --files_;
    return nullptr;
  }
}

std::unique_ptr<PayloadFile> PayloadStore::take_unused(std::size_t least) noexcept {
  // Much larger ones are kept for what needs them.
  const std::size_t most = least * 4 + kSmallest;
  const std::lock_guard lock(mutex_);
  // The last one given back is the warmest.
  const auto fits = std::find_if(unused_.rbegin(), unused_.rend(), [&](const auto& file) {
    return file->capacity >= least && file->capacity <= most;
  });
  if (fits == unused_.rend()) return nullptr;
  std::unique_ptr<PayloadFile> file = std::move(*fits);
  unused_.erase(std::next(fits).base());
  unused_bytes_ -= file->capacity;
  return file;
}

bool PayloadStore::may_make_another() noexcept {
  const std::lock_guard lock(mutex_);
  if (files_ >= kMostFiles) return false;
  ++files_;
  return true;
}

void PayloadStore::give_back(SharedBlock* block) noexcept {
  std::unique_ptr<PayloadFile> file(static_cast<PayloadFile*>(block));
  {
    const std::lock_guard lock(mutex_);
    if (unused_bytes_ + file->capacity <= kMostUnusedBytes) {
      try {
        unused_.push_back(std::move(file));
        unused_bytes_ += block->capacity;
        return;
      } catch (const std::bad_alloc&) {
        // Not kept, then: push_back has left it where it was.
      }
    }
    --files_;
  }
  free_memory_of(file->name().descriptor, file->capacity);
}

bool PayloadStore::has_unused() const noexcept {
  const std::lock_guard lock(mutex_);
  return !unused_.empty();
}

void PayloadStore::drop_unused() noexcept {
  std::vector<std::unique_ptr<PayloadFile>> dropped;
  {
    const std::lock_guard lock(mutex_);
    dropped.swap(unused_);
    unused_bytes_ = 0;
    files_ -= static_cast<int>(dropped.size());
  }
  for (const auto& file : dropped) free_memory_of(file->name().descriptor, file->capacity);
}

}  // namespace poolmark::detail
