#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <ranges>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>

#include "poolmark/detail/trivially_copyable.hpp"

// Which types cannot mean the same in another process, found at compile time so that the compiler
// says it in a sentence. A pointer inside a plain struct is invisible here: the documentation of
// ProcessPoolExecutor says what that costs.
namespace poolmark::detail {

enum class Refusal {
  kNone,
  kReference,
  kPointer,
  kView,
  kFunction,
  kReferenceWrapper,
  kClosure,
};

template <class T>
struct IsIotaView : std::false_type {};
template <class W, class B>
struct IsIotaView<std::ranges::iota_view<W, B>> : std::true_type {};
template <class T>
struct IsIotaView<std::ranges::empty_view<T>> : std::true_type {};

/// A view that looks at elements somebody else owns. An iota is borrowed too, but owns all it has.
template <class T>
concept BorrowedView =
    std::ranges::view<T> && std::ranges::borrowed_range<T> && !IsIotaView<T>::value;

/// Has exactly one call operator, as closures have.
template <class T>
concept LooksLikeClosure = std::is_class_v<T> && requires { &T::operator(); };

template <class... Ts>
struct TypeList {};

/// What a range's element stands for: the pair of a map has a constant key, which no archive could
/// load, and which maps load by themselves.
template <class Element>
struct AsElement {
  using type = TypeList<Element>;
};
template <class Key, class Value>
struct AsElement<std::pair<const Key, Value>> {
  using type = TypeList<Key, Value>;
};

/// The types of which the values of T consist, as far as they can be known.
template <class T>
struct Parts {
  static consteval auto find() {
    if constexpr (std::ranges::range<T>) {
      using Element = std::ranges::range_value_t<T>;
      // A range of itself (a filesystem path, say) would never end.
      using Self = std::is_same<Element, T>;
      return std::conditional_t<Self::value, TypeList<>, typename AsElement<Element>::type>();
    } else {
      return TypeList<>();
    }
  }
};
template <class... Ts>
struct Parts<std::tuple<Ts...>> {
  static consteval auto find() { return TypeList<Ts...>(); }
};
template <class A, class B>
struct Parts<std::pair<A, B>> {
  static consteval auto find() { return TypeList<A, B>(); }
};
template <class... Ts>
struct Parts<std::variant<Ts...>> {
  static consteval auto find() { return TypeList<Ts...>(); }
};
template <class T>
struct Parts<std::optional<T>> {
  static consteval auto find() { return TypeList<T>(); }
};
template <class T, class D>
struct Parts<std::unique_ptr<T, D>> {
  static consteval auto find() { return TypeList<T>(); }
};
template <class T>
struct Parts<std::shared_ptr<T>> {
  static consteval auto find() { return TypeList<T>(); }
};

template <class T>
struct IsReferenceWrapper : std::false_type {};
template <class T>
struct IsReferenceWrapper<std::reference_wrapper<T>> : std::true_type {};
template <class T>
struct IsStdFunction : std::false_type {};
template <class Signature>
struct IsStdFunction<std::function<Signature>> : std::true_type {};

template <class T>
consteval Refusal refusal_of();

template <class... Ts>
consteval Refusal first_refusal(TypeList<Ts...>) {
  Refusal found = Refusal::kNone;
  ((found = found == Refusal::kNone ? refusal_of<Ts>() : found), ...);
  return found;
}

template <class T>
consteval Refusal refusal_of() {
  using Bare = std::remove_cv_t<T>;
  if constexpr (std::is_reference_v<T>) {
    return Refusal::kReference;
  } else if constexpr (std::is_pointer_v<T> && !std::is_function_v<std::remove_pointer_t<T>>) {
    return Refusal::kPointer;
  } else if constexpr (std::is_void_v<T>) {
    return Refusal::kNone;
  } else if constexpr (BorrowedView<Bare>) {
    return Refusal::kView;
  } else if constexpr (IsStdFunction<Bare>::value) {
    return Refusal::kFunction;
  } else if constexpr (IsReferenceWrapper<Bare>::value) {
    return Refusal::kReferenceWrapper;
  } else if constexpr (LooksLikeClosure<Bare> && kTriviallyCopyable<Bare> &&
                       !std::is_empty_v<Bare> && !std::is_standard_layout_v<Bare>) {
    // A by-reference capture makes a closure non-standard-layout while it stays copyable.
    return Refusal::kClosure;
  } else {
    return first_refusal(Parts<Bare>::find());
  }
}

/// Makes the compiler say why, in a sentence, and where the type came from.
template <class T>
consteval void refuse_with_a_sentence() {
  constexpr Refusal kWhy = refusal_of<T>();
  static_assert(kWhy != Refusal::kReference,
                "poolmark: a reference cannot cross to another process: return or pass the value "
                "itself");
  static_assert(kWhy != Refusal::kPointer,
                "poolmark: an object pointer means nothing in another process: pass the value it "
                "points to (std::string for a character pointer)");
  static_assert(kWhy != Refusal::kView,
                "poolmark: a view refers to elements that stay in this process: pass an owning "
                "container (std::string, std::vector) instead");
  static_assert(kWhy != Refusal::kFunction,
                "poolmark: a std::function cannot cross to another process: pass the function or "
                "the closure itself");
  static_assert(
      kWhy != Refusal::kReferenceWrapper,
      "poolmark: a std::reference_wrapper refers to an object that stays in this process: "
      "pass the value itself");
  static_assert(kWhy != Refusal::kClosure,
                "poolmark: a closure that captures by reference cannot cross to another process: "
                "capture plain values by copy, or pass them as arguments");
}

}  // namespace poolmark::detail
