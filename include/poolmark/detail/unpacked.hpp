#pragma once

#include <cstddef>
#include <tuple>
#include <type_traits>
#include <utility>

namespace poolmark::detail {

template <class F, class Row, std::size_t... I>
consteval bool takes_parts(std::index_sequence<I...>) {
  return std::is_invocable_v<F&, decltype(std::get<I>(std::declval<Row>()))...>;
}

/// A tuple, pair or array whose parts F can be called with.
template <class Row, class F>
concept Unpackable = requires {
  std::tuple_size<std::remove_cvref_t<Row>>::value;
} && takes_parts<F, Row>(std::make_index_sequence<std::tuple_size_v<std::remove_cvref_t<Row>>>());

/// Calls a function with the parts of a tuple. An object, not a lambda, so that it can cross to a
/// worker process when the function itself can.
template <class F>
struct Unpacked {
  template <class Row>
  decltype(auto) operator()(Row&& row) {
    return std::apply(function, std::forward<Row>(row));
  }

  F function;
};

/// The code that a callable leads to, if that is known by an address; null if not.
template <class F>
const void* known_code(const F& function) noexcept {
  if constexpr (std::is_pointer_v<F>) return reinterpret_cast<const void*>(function);
  return nullptr;
}
template <class F>
const void* known_code(const Unpacked<F>& unpacked) noexcept {
  return known_code(unpacked.function);
}

}  // namespace poolmark::detail
