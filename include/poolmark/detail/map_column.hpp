#pragma once

#include <cstddef>
#include <cstring>
#include <ranges>
#include <type_traits>
#include <utility>
#include <vector>

#include "poolmark/wire.hpp"

namespace poolmark::detail {

/// Consecutive elements of one input of a map, on their way to another process: what the worker
/// gets is read once, element by element.
template <class V>
class Column {
 public:
  void push_back(V value) { values_.push_back(std::move(value)); }
  std::size_t size() const noexcept { return values_.size(); }
  V take(std::size_t i) { return std::move(values_[i]); }

 private:
  friend struct Wire<Column<V>>;
  std::vector<V> values_;
};

/// Elements that are copied as bytes are never made into objects on the way.
template <CopiedAsBytes V>
class Column<V> {
 public:
  Column() = default;
  /// Refers to elements in a row, which must stay until the column has been sent.
  Column(const V* first, std::size_t count) noexcept
      : first_(reinterpret_cast<const std::byte*>(first)), size_(count) {}

  void push_back(const V& value) {
    const auto* bytes = reinterpret_cast<const std::byte*>(&value);
    gathered_.insert(gathered_.end(), bytes, bytes + sizeof(V));
    ++size_;
  }
  std::size_t size() const noexcept { return size_; }
  V take(std::size_t i) const {
    return WireReader(begin() + i * sizeof(V), sizeof(V)).template get_raw<V>();
  }

 private:
  friend struct Wire<Column<V>>;

  const std::byte* begin() const noexcept { return first_ != nullptr ? first_ : gathered_.data(); }

  const std::byte* first_ = nullptr;  // null: gathered
  std::size_t size_ = 0;
  std::vector<std::byte> gathered_;
};

template <class View>
inline constexpr bool kBytesInARow =
    std::ranges::contiguous_range<View> && std::ranges::sized_range<View> &&
    CopiedAsBytes<std::ranges::range_value_t<View>>;

}  // namespace poolmark::detail

template <class V>
struct poolmark::Wire<poolmark::detail::Column<V>> {
  using Column = poolmark::detail::Column<V>;

  static void put(WireWriter& to, const Column& column) {
    detail::require_transportable<V>();
    to.put_raw(column.size());
    if constexpr (detail::CopiedAsBytes<V>) {
      to.put_bytes(column.begin(), column.size() * sizeof(V));
    } else {
      for (const V& value : column.values_) detail::put_value<V>(to, value);
    }
  }

  /// Of bytes that stay where they are as long as the column.
  static Column get(WireReader& from) {
    const auto count = from.get_raw<std::size_t>();
    Column column;
    if constexpr (detail::CopiedAsBytes<V>) {
      column.first_ = from.skip_bytes(count * sizeof(V));
      column.size_ = count;
    } else {
      column.values_.reserve(count);
      for (std::size_t i = 0; i < count; ++i) column.values_.push_back(detail::get_value<V>(from));
    }
    return column;
  }
};
