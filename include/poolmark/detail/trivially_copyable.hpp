#pragma once

#include <type_traits>

namespace poolmark::detail {

/// A closure with captures: cannot be assigned, and need not be for its bytes to be its value.
template <class T>
inline constexpr bool kCopiesOnlyByConstruction =
    std::is_class_v<T> && !std::is_copy_assignable_v<T> && !std::is_move_assignable_v<T> &&
    std::is_trivially_copy_constructible_v<T> && std::is_trivially_move_constructible_v<T> &&
    std::is_trivially_destructible_v<T>;

/// std::is_trivially_copyable, but also where g++ 12 has it wrong: it says no of a closure with
/// captures once anybody has asked whether that can be assigned. A std::tuple of it asks, and so
/// does a thread pool that was given it before.
template <class T>
inline constexpr bool kTriviallyCopyable =
    std::is_trivially_copyable_v<T> || kCopiesOnlyByConstruction<T>;

}  // namespace poolmark::detail
