#pragma once

#include <optional>
#include <type_traits>
#include <typeinfo>
#include <utility>
#include <variant>

#include "poolmark/detail/future_state.hpp"

namespace poolmark::detail {

/// What is kept for a result of type T; a task that returns nothing leaves a std::monostate.
template <class T>
using Stored = std::conditional_t<std::is_void_v<T>, std::monostate, T>;

/// A future state with room for its value.
template <class T>
class TypedState : public FutureState {
  static_assert(!std::is_reference_v<T>,
                "poolmark: a task may not return a reference, which could dangle in the caller's "
                "hands: return a value, a pointer or a std::reference_wrapper");
  static_assert(std::is_void_v<T> || std::is_move_constructible_v<T>,
                "poolmark: a task must return something that can be moved");

 public:
  const std::type_info& value_type() const noexcept final { return typeid(T); }

  template <class... Args>
  void emplace_value(Args&&... args) {
    value_.emplace(std::forward<Args>(args)...);
  }

  /// Only after kValue has been seen.
  const Stored<T>& value() const noexcept { return *value_; }
  Stored<T>& value() noexcept { return *value_; }

  /// Moves the value out and destroys what is left, so that nothing keeps it alive.
  Stored<T> extract_value() {
    Stored<T> moved = std::move(*value_);
    value_.reset();
    return moved;
  }

 private:
  std::optional<Stored<T>> value_;  // written by the claimant before kValue is published
};

}  // namespace poolmark::detail
