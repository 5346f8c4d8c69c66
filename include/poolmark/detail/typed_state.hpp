#pragma once

#include <cstddef>
#include <memory>
#include <new>
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

  /// Writes the value; the phase tells later that there is one. Only for the one who claimed the
  /// future, once.
  template <class... Args>
  void emplace_value(Args&&... args) {
    ::new (place()) Stored<T>(std::forward<Args>(args)...);
  }

  /// Only after kValue has been seen.
  const Stored<T>& value() const noexcept {
    return *std::launder(static_cast<const Stored<T>*>(place()));
  }
  Stored<T>& value() noexcept { return *std::launder(static_cast<Stored<T>*>(place())); }

  /// Moves the value out and destroys what is left, so that nothing keeps it alive.
  Stored<T> extract_value() {
    const ValueGuard guard{value()};
    return std::move(guard.value);
  }

 protected:
  using FutureState::FutureState;
  ~TypedState() override {
    if (phase() == Phase::kValue) std::destroy_at(&value());
  }

 private:
  struct ValueGuard {
    ~ValueGuard() { std::destroy_at(&value); }
    Stored<T>& value;
  };

  static constexpr bool kFitsInBase =
      sizeof(Stored<T>) <= kOutcomeBytes && alignof(Stored<T>) <= alignof(std::exception_ptr);
  struct Room {
    alignas(Stored<T>) std::byte bytes[sizeof(Stored<T>)];
  };
  struct NoRoom {};

  void* place() noexcept { return const_cast<void*>(std::as_const(*this).place()); }
  const void* place() const noexcept {
    if constexpr (kFitsInBase) {
      return outcome();
    } else {
      return room_.bytes;
    }
  }

  // Written by the claimant before kValue is published.
  [[no_unique_address]] std::conditional_t<kFitsInBase, NoRoom, Room> room_;
};

}  // namespace poolmark::detail
