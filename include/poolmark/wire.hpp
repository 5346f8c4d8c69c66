#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <exception>
#include <memory>
#include <type_traits>
#include <vector>

#include "poolmark/detail/trivially_copyable.hpp"
#include "poolmark/detail/wire_archive.hpp"
#include "poolmark/detail/wire_refusal.hpp"
#include "poolmark/detail/wire_stream.hpp"
#include "poolmark/errors.hpp"

/// How values cross to a worker process and back.
///
/// Trivially copyable types are copied byte by byte; everything else goes through cereal, whose
/// functions for the standard containers, strings, optionals, variants and smart pointers are
/// included here. A type of your own needs a cereal `serialize()` (or a save/load pair), or a
/// specialisation of Wire. References, object pointers, views, std::function and
/// std::reference_wrapper are refused at compile time. A pointer or `this` inside a plain struct or
/// a captured one is copied as it is, and points nowhere useful in the other process.
namespace poolmark {

/// Writes and reads one type. Specialise it for a type that neither is trivially copyable nor has
/// cereal functions:
///
///     template <> struct poolmark::Wire<Matrix> {
///       static void put(WireWriter& to, const Matrix& matrix);
///       static Matrix get(WireReader& from);
///     };
///
/// What put() throws, submit() throws; what get() throws becomes the exception of that task alone.
template <class T>
struct Wire {
  using IsDefault = void;  // a specialisation lacks this name

  static void put(WireWriter& to, const T& value);
  static T get(WireReader& from);
};

namespace detail {

template <class T>
concept HasOwnWire = !std::is_void_v<T> && !requires { typename Wire<T>::IsDefault; };

template <class T>
concept ArchivedByCereal = std::is_default_constructible_v<T> &&
                           cereal::traits::is_output_serializable<T, SavingArchive>::value &&
                           cereal::traits::is_input_serializable<T, LoadingArchive>::value;

/// An empty class carries nothing; it is made anew on the other side.
template <class T>
concept CarriesNothing = std::is_empty_v<T> && std::is_default_constructible_v<T>;

/// Crosses as the bytes of its memory: no code of the user's runs.
template <class T>
concept CopiedAsBytes = kTriviallyCopyable<T> && !HasOwnWire<T>;

/// Whether values of this type are read without running code of the user's.
template <class T>
inline constexpr bool kDecodesPlainly = std::is_void_v<T> || CopiedAsBytes<T>;

/// A vector of elements that must go one by one through their own Wire.
template <class T>
struct IsVectorOfOwnWire : std::false_type {};
template <class T>
struct IsVectorOfOwnWire<std::vector<T>> : std::bool_constant<HasOwnWire<T>> {};

template <class T>
consteval bool has_a_way_across();

template <class... Ts>
consteval bool all_have_a_way(TypeList<Ts...>) {
  return (has_a_way_across<Ts>() && ...);
}

/// Whether some rule of Wire carries T, and all that T is known to consist of.
template <class T>
consteval bool has_a_way_across() {
  if constexpr (std::is_void_v<T> || HasOwnWire<T> || kTriviallyCopyable<T> || CarriesNothing<T> ||
                IsVectorOfOwnWire<T>::value) {
    return true;
  } else if constexpr (ArchivedByCereal<T>) {
    return all_have_a_way(Parts<T>::find());
  } else {
    return false;
  }
}

template <class T>
struct IsPlainVector : std::false_type {};
template <class T>
struct IsPlainVector<std::vector<T>>
    : std::bool_constant<kTriviallyCopyable<T> && !std::is_same_v<T, bool> &&
                         std::is_default_constructible_v<T> && !HasOwnWire<T>> {};

/// Compiles only if T can cross; otherwise the compiler says why and what to do.
template <class T>
consteval void require_transportable() {
  if constexpr (!HasOwnWire<T>) refuse_with_a_sentence<T>();
  static_assert(
      refusal_of<T>() != Refusal::kNone || has_a_way_across<T>(),
      "poolmark: this type cannot cross to another process: give it a default constructor "
      "and a cereal serialize(), or specialise poolmark::Wire for it");
}

/// Whether what the callable has captured may cross.
template <class F>
consteval bool captures_may_cross() {
  if constexpr (!std::is_class_v<F> || HasOwnWire<F> || CarriesNothing<F>) {
    return true;
  } else if constexpr (kTriviallyCopyable<F>) {
    return std::is_standard_layout_v<F>;
  } else {
    return ArchivedByCereal<F>;
  }
}

/// The same for what is called.
template <class F>
consteval void require_transportable_callable() {
  static_assert(captures_may_cross<F>(),
                "poolmark: this closure cannot cross to another process: capture only plain "
                "values, by copy (no references, no strings or containers), and pass the rest as "
                "arguments");
  require_transportable<F>();
}

/// Writes the exception so that get_exception() makes one of the same type: the standard types and
/// poolmark's own, when the dynamic type is exactly one of them; RemoteError for all others.
void put_exception(WireWriter& to, const std::exception_ptr& error);
std::exception_ptr get_exception(WireReader& from);

template <class T>
void put_value(WireWriter& to, const T& value) {
  Wire<T>::put(to, value);
}

template <class T>
T get_value(WireReader& from) {
  return Wire<T>::get(from);
}

}  // namespace detail

namespace detail {

/// A hint that memory just obtained is about to be written, all of it.
void expect_to_fill(void* memory, std::size_t size) noexcept;

template <class Element>
std::vector<Element> get_plain_vector(const std::byte* bytes, std::size_t count) {
  std::vector<Element> vector;
  vector.reserve(count);
  expect_to_fill(static_cast<void*>(vector.data()), count * sizeof(Element));
  if (reinterpret_cast<std::uintptr_t>(bytes) % alignof(Element) == 0) {
    const auto* first = reinterpret_cast<const Element*>(bytes);
    vector.assign(first, first + count);  // in one pass: no zeros first
  } else {
    vector.resize(count);
    if (count != 0) std::memcpy(static_cast<void*>(vector.data()), bytes, count * sizeof(Element));
  }
  return vector;
}

}  // namespace detail

/// T can be an argument or a result of a task in another process.
template <class T>
concept Transportable =
    detail::HasOwnWire<T> ||
    (detail::refusal_of<T>() == detail::Refusal::kNone && detail::has_a_way_across<T>());

/// F can be what a task in another process calls.
template <class F>
concept TransportableCallable = detail::captures_may_cross<F>() && Transportable<F>;

template <class T>
void Wire<T>::put(WireWriter& to, const T& value) {
  detail::require_transportable<T>();
  if constexpr (detail::CarriesNothing<T>) {
    static_cast<void>(to);
    static_cast<void>(value);
  } else if constexpr (detail::kTriviallyCopyable<T>) {
    to.put_raw(value);
  } else if constexpr (detail::IsPlainVector<T>::value) {
    to.put_raw(value.size());
    to.put_bytes(value.data(), value.size() * sizeof(value[0]));
  } else if constexpr (detail::IsVectorOfOwnWire<T>::value) {
    to.put_raw(value.size());
    for (const auto& element : value) Wire<typename T::value_type>::put(to, element);
  } else {
    detail::SavingArchive archive(to);
    archive(value);
  }
}

template <class T>
T Wire<T>::get(WireReader& from) {
  detail::require_transportable<T>();
  if constexpr (detail::CarriesNothing<T>) {
    static_cast<void>(from);
    return T{};
  } else if constexpr (detail::kTriviallyCopyable<T>) {
    return from.get_raw<T>();
  } else if constexpr (detail::IsPlainVector<T>::value) {
    using Element = typename T::value_type;
    const auto count = from.get_raw<std::size_t>();
    if (count > from.remaining() / sizeof(Element)) {
      throw Error("a vector in the bytes from the other process claims more elements than follow");
    }
    return detail::get_plain_vector<Element>(from.skip_bytes(count * sizeof(Element)), count);
  } else if constexpr (detail::IsVectorOfOwnWire<T>::value) {
    const auto count = from.get_raw<std::size_t>();
    T vector;
    // No reserve() on a count that nothing has proved yet: bytes that lie end the loop instead.
    for (std::size_t i = 0; i < count; ++i) {
      vector.push_back(Wire<typename T::value_type>::get(from));
    }
    return vector;
  } else {
    T value{};
    detail::LoadingArchive archive(from);
    archive(value);
    return value;
  }
}

}  // namespace poolmark
