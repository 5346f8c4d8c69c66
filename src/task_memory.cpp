#include "poolmark/detail/task_memory.hpp"

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <new>
#include <utility>

namespace poolmark::detail {
namespace {

constexpr std::size_t kLine = 64;
constexpr std::size_t kSlabBytes = 4096;
// Larger ones are rare and leave too much of a slab unused.
constexpr std::size_t kLargestInSlab = 512;

// The address sanitizer sees the use of a task that was freed only if each is freed by itself.
#if defined(__SANITIZE_ADDRESS__)
constexpr bool kUsesSlabs = false;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
constexpr bool kUsesSlabs = false;
#else
constexpr bool kUsesSlabs = true;
#endif
#else
constexpr bool kUsesSlabs = true;
#endif

/// A page of tasks, handed out from front to back by the one thread that owns it, and returned as a
/// whole when the last task in it has been freed, by whichever thread that is.
struct Slab {
  // How many tasks are alive, and kOwned more as long as its thread may hand out others. Acquire
  // and release: who returns the slab comes after everybody's last use of a task in it.
  std::atomic<std::uint32_t> users{kOwned};
  std::uint32_t used = kLine;    // bytes; of its owner
  std::uint32_t handed_out = 0;  // tasks; of its owner

  static constexpr std::uint32_t kOwned = 1U << 30;
};
static_assert(sizeof(Slab) <= kLine);

Slab* slab_of(void* task) noexcept {
  return reinterpret_cast<Slab*>(reinterpret_cast<std::uintptr_t>(task) & ~(kSlabBytes - 1));
}

// Outlives the object below, whose destructor may not be the last of its thread to free a task.
thread_local bool thread_is_ending = false;

/// What a thread keeps: the slab it hands out from, and one for the time after that.
class Cache {
 public:
  Cache() = default;
  Cache(const Cache&) = delete;
  Cache& operator=(const Cache&) = delete;
  ~Cache() {
    thread_is_ending = true;
    retire();
    std::free(spare_);
  }

  void* allocate(std::uint32_t bytes) {
    if (current_ == nullptr || current_->used + bytes > kSlabBytes) {
      retire();
      current_ = make_slab();
    }
    void* task = reinterpret_cast<std::byte*>(current_) + current_->used;
    current_->used += bytes;
    ++current_->handed_out;
    return task;
  }

  /// Gives the current slab to the tasks in it.
  void retire() noexcept {
    if (current_ == nullptr) return;
    Slab* slab = std::exchange(current_, nullptr);
    drop(slab, Slab::kOwned - slab->handed_out);
  }

  void drop(Slab* slab, std::uint32_t users) noexcept {
    if (slab->users.fetch_sub(users, std::memory_order_acq_rel) != users) return;
    if (spare_ == nullptr && !thread_is_ending) {
      spare_ = slab;
    } else {
      std::free(slab);
    }
  }

 private:
  Slab* make_slab() {
    void* memory = std::exchange(spare_, nullptr);
    if (memory == nullptr) memory = std::aligned_alloc(kSlabBytes, kSlabBytes);
    if (memory == nullptr) throw std::bad_alloc();
    return ::new (memory) Slab;
  }

  Slab* current_ = nullptr;
  Slab* spare_ = nullptr;
};

thread_local Cache cache;

bool is_in_slab(std::size_t bytes) noexcept { return kUsesSlabs && bytes <= kLargestInSlab; }

}  // namespace

void* allocate_task(std::size_t bytes) {
  if (!is_in_slab(bytes)) return ::operator new(bytes, std::align_val_t(kLine));
  void* task = cache.allocate(static_cast<std::uint32_t>((bytes + kLine - 1) & ~(kLine - 1)));
  // A slab for this task alone: nobody would give a later one back.
  if (thread_is_ending) cache.retire();
  return task;
}

void free_task(void* task, std::size_t bytes) noexcept {
  if (!is_in_slab(bytes)) {
    ::operator delete(task, std::align_val_t(kLine));
  } else {
    cache.drop(slab_of(task), 1);
  }
}

}  // namespace poolmark::detail
