#include "poolmark/wire.hpp"

#include <fmt/core.h>
#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <new>

#include "poolmark/detail/wire_call.hpp"

namespace poolmark {

void WireReader::throw_too_short(std::size_t wanted) const {
  throw Error(fmt::format(
      "the bytes from the other process end too early: {} more are wanted and {} are left. put() "
      "and get() of the type, or its save() and load(), do not match",
      wanted, left_));
}

namespace detail {

void Bytes::give_memory_back() noexcept {
  if (block_ != nullptr) {
    blocks_->give_back(std::exchange(block_, nullptr));
  } else {
    std::free(outside_);  // NOLINT: owned, and grown by realloc
  }
  outside_ = nullptr;
}

struct Bytes::Attached {
  std::shared_ptr<const void> object;
  std::shared_ptr<const Attached> next;
};

void Bytes::attach(std::shared_ptr<const void> object) {
  attached_ = std::make_shared<const Attached>(std::move(object), std::move(attached_));
}

void Bytes::release() noexcept {
  give_memory_back();
  attached_.reset();
  size_ = 0;
  capacity_ = kInlineBytes;
}

void Bytes::grow(std::size_t count) {
  const std::size_t needed = size_ + count;
  if (needed < size_) throw std::bad_alloc();
  // Beyond the first megabytes an eighth at a time: a buffer of half a gigabyte should not ask for
  // a whole one.
  constexpr std::size_t kDoubledUpTo = std::size_t{1} << 22;
  const std::size_t step = capacity_ <= kDoubledUpTo ? capacity_ : capacity_ / 8;
  const std::size_t roomy = std::max(needed, capacity_ + step);
  if (needed >= kWorthSharing && blocks_ != nullptr && move_to_block(roomy)) return;
  std::byte* old = block_ == nullptr ? outside_ : nullptr;
  // realloc, because it moves pages and not bytes once the memory is large.
  auto* grown = static_cast<std::byte*>(std::realloc(old, roomy));  // NOLINT
  if (grown == nullptr) throw std::bad_alloc();
  if (old == nullptr) std::memcpy(grown, data(), size_);
  if (block_ != nullptr) give_memory_back();
  outside_ = grown;
  capacity_ = roomy;
}

bool Bytes::move_to_block(std::size_t roomy) noexcept {
  SharedBlock* block = blocks_->obtain(roomy);
  if (block == nullptr) return false;
  std::memcpy(block->data, data(), size_);
  give_memory_back();
  block_ = block;
  outside_ = block->data;
  capacity_ = block->capacity;
  return true;
}

void Bytes::take(Bytes& other) noexcept {
  outside_ = std::exchange(other.outside_, nullptr);
  size_ = std::exchange(other.size_, 0);
  capacity_ = std::exchange(other.capacity_, kInlineBytes);
  blocks_ = other.blocks_;
  block_ = std::exchange(other.block_, nullptr);
  attached_ = std::move(other.attached_);
  if (outside_ == nullptr) std::memcpy(inline_, other.inline_, size_);
}

void expect_to_fill(void* memory, std::size_t size) noexcept {
  // The kernel then gives pages of 2 MiB, and a fresh buffer costs a third. Less is not worth the
  // call.
  constexpr std::size_t kWorthIt = std::size_t{4} << 20;
  if (size < kWorthIt) return;
  const auto page = static_cast<std::uintptr_t>(sysconf(_SC_PAGESIZE));
  const auto first = (reinterpret_cast<std::uintptr_t>(memory) + page - 1) / page * page;
  const auto last = (reinterpret_cast<std::uintptr_t>(memory) + size) / page * page;
  madvise(reinterpret_cast<void*>(first), last - first, MADV_HUGEPAGE);  // only a hint
}

namespace {

struct StackBounds {
  std::uintptr_t low = 0;
  std::uintptr_t high = 0;
};

StackBounds find_stack() noexcept {
  pthread_attr_t attributes;
  if (pthread_getattr_np(pthread_self(), &attributes) != 0) return {};
  void* base = nullptr;
  std::size_t size = 0;
  pthread_attr_getstack(&attributes, &base, &size);
  pthread_attr_destroy(&attributes);
  const auto low = reinterpret_cast<std::uintptr_t>(base);
  return {low, low + size};
}

}  // namespace

void refuse_stack_pointers(const void* closure, std::size_t size) {
  thread_local const StackBounds stack = find_stack();
  for (std::size_t at = 0; at + sizeof(std::uintptr_t) <= size; at += sizeof(std::uintptr_t)) {
    std::uintptr_t word = 0;
    std::memcpy(&word, static_cast<const std::byte*>(closure) + at, sizeof word);
    if (word < stack.low || word >= stack.high) continue;
    throw std::logic_error(fmt::format(
        "the closure given to a process pool captures a pointer into this thread's stack ({:#x}, "
        "at "
        "byte {} of the closure), which means nothing in the worker: capture the value itself, or "
        "pass it as an argument",
        word, at));
  }
}

}  // namespace detail
}  // namespace poolmark
