#pragma once

#include <coroutine>
#include <cstddef>
#include <exception>
#include <iterator>
#include <new>
#include <utility>

namespace bench {

// Two cache lines, because processors fetch them in pairs.
inline constexpr std::size_t kApart = 128;

/// A lazy sequence: a coroutine that co_yields values, one each time the loop asks for the next.
/// Single pass, one thread. (C++23 has std::generator; this is the part of it that we need.)
template <class T>
class Generator {
 public:
  struct promise_type {
    T value{};
    std::exception_ptr error;

    // Every value goes through the frame. Two workers whose frames share a cache line slow each
    // other nine times: docs/investigations/2026-11-21-generators-share-a-line.md
    static void* operator new(std::size_t size) {
      const std::size_t whole_lines = (size + kApart - 1) / kApart * kApart;
      return ::operator new(whole_lines, std::align_val_t{kApart});
    }
    static void operator delete(void* frame) noexcept {
      ::operator delete(frame, std::align_val_t{kApart});
    }

    Generator get_return_object() {
      return Generator(std::coroutine_handle<promise_type>::from_promise(*this));
    }
    std::suspend_always initial_suspend() noexcept { return {}; }
    std::suspend_always final_suspend() noexcept { return {}; }
    std::suspend_always yield_value(T next) noexcept {
      value = std::move(next);
      return {};
    }
    void return_void() noexcept {}
    void unhandled_exception() noexcept { error = std::current_exception(); }
  };

  class iterator {
   public:
    using value_type = T;
    using difference_type = std::ptrdiff_t;

    iterator() = default;
    explicit iterator(std::coroutine_handle<promise_type> coroutine) : coroutine_(coroutine) {}

    const T& operator*() const { return coroutine_.promise().value; }
    iterator& operator++() {
      advance(coroutine_);
      return *this;
    }
    void operator++(int) { ++*this; }
    friend bool operator==(const iterator& it, std::default_sentinel_t) {
      return it.coroutine_.done();
    }

   private:
    std::coroutine_handle<promise_type> coroutine_;
  };

  Generator(Generator&& other) noexcept : coroutine_(std::exchange(other.coroutine_, {})) {}
  Generator& operator=(Generator&& other) noexcept {
    std::swap(coroutine_, other.coroutine_);
    return *this;
  }
  ~Generator() {
    if (coroutine_) coroutine_.destroy();
  }

  /// Runs the coroutine to its first value. To be called once.
  iterator begin() {
    advance(coroutine_);
    return iterator(coroutine_);
  }
  std::default_sentinel_t end() const noexcept { return {}; }

 private:
  explicit Generator(std::coroutine_handle<promise_type> coroutine) : coroutine_(coroutine) {}

  static void advance(std::coroutine_handle<promise_type> coroutine) {
    coroutine.resume();
    if (coroutine.promise().error) std::rethrow_exception(coroutine.promise().error);
  }

  std::coroutine_handle<promise_type> coroutine_;
};

}  // namespace bench
