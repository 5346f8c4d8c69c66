#include "poolmark/wire.hpp"

#include <fmt/core.h>
#include <pthread.h>

#include <algorithm>
#include <cstdlib>
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

void Bytes::release() noexcept {
  std::free(heap_);  // NOLINT: owned, and grown by realloc
  heap_ = nullptr;
  size_ = 0;
  capacity_ = kInlineBytes;
}

void Bytes::grow(std::size_t count) {
  const std::size_t needed = size_ + count;
  if (needed < size_) throw std::bad_alloc();
  const std::size_t roomy = std::max(needed, capacity_ * 2);
  // realloc, because it moves pages and not bytes once the block is large.
  auto* grown = static_cast<std::byte*>(std::realloc(heap_, roomy));  // NOLINT
  if (grown == nullptr) throw std::bad_alloc();
  if (heap_ == nullptr) std::memcpy(grown, inline_, size_);
  heap_ = grown;
  capacity_ = roomy;
}

void Bytes::take(Bytes& other) noexcept {
  heap_ = std::exchange(other.heap_, nullptr);
  size_ = std::exchange(other.size_, 0);
  capacity_ = std::exchange(other.capacity_, kInlineBytes);
  if (heap_ == nullptr) std::memcpy(inline_, other.inline_, size_);
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
