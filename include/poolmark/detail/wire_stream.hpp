#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstring>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>

#include "poolmark/detail/trivially_copyable.hpp"
#include "poolmark/detail/wire_bytes.hpp"

namespace poolmark {

/// Where Wire<T>::put writes a value. Bytes are those of this machine: both ends are one program.
class WireWriter {
 public:
  explicit WireWriter(detail::Bytes& into, bool answer = false) noexcept
      : bytes_(into), is_answer_(answer) {}

  /// Whether this is what a task leaves, on its way back from its worker.
  bool is_answer() const noexcept { return is_answer_; }

  void put_bytes(const void* from, std::size_t count) {
    if (count != 0) std::memcpy(bytes_.extend(count), from, count);
  }

  /// Room for `count` bytes, for the caller to fill before it writes anything else.
  std::byte* claim_bytes(std::size_t count) { return bytes_.extend(count); }

  template <class T>
    requires detail::kTriviallyCopyable<T>
  void put_raw(const T& value) {
    put_bytes(&value, sizeof value);
  }

  void put_string(const std::string& text) {
    put_raw(text.size());
    put_bytes(text.data(), text.size());
  }

  /// Keeps what the bytes speak of until they have been read, or will never be.
  void attach(std::shared_ptr<const void> object) { bytes_.attach(std::move(object)); }

  std::size_t size() const noexcept { return bytes_.size(); }

 private:
  detail::Bytes& bytes_;
  bool is_answer_;
};

/// What Wire<T>::get reads from. Reading beyond the end throws poolmark::Error and fails only the
/// task whose bytes these are.
class WireReader {
 public:
  WireReader(const std::byte* from, std::size_t count) noexcept : next_(from), left_(count) {}

  void get_bytes(void* into, std::size_t count) {
    if (count > left_) throw_too_short(count);
    if (count != 0) std::memcpy(into, next_, count);
    next_ += count;
    left_ -= count;
  }

  /// Passes `count` bytes and returns where they are: there as long as what this reads from.
  const std::byte* skip_bytes(std::size_t count) {
    if (count > left_) throw_too_short(count);
    left_ -= count;
    return std::exchange(next_, next_ + count);
  }

  template <class T>
    requires detail::kTriviallyCopyable<T>
  T get_raw() {
    // A union, because T need not have a default constructor; and not std::bit_cast, because of
    // what kTriviallyCopyable says of g++ 12.
    union Room {
      Room() noexcept {}
      T value;
    } room;
    get_bytes(static_cast<void*>(&room.value), sizeof(T));
    return room.value;
  }

  std::string get_string() {
    const auto size = get_raw<std::size_t>();
    if (size > left_) throw_too_short(size);
    std::string text(size, '\0');
    get_bytes(text.data(), size);
    return text;
  }

  std::size_t remaining() const noexcept { return left_; }

 private:
  [[noreturn]] void throw_too_short(std::size_t wanted) const;

  const std::byte* next_;
  std::size_t left_;
};

}  // namespace poolmark
