#pragma once

#include <cstddef>
#include <functional>
#include <ranges>
#include <tuple>
#include <type_traits>
#include <utility>

#include "poolmark/detail/map_input.hpp"

namespace poolmark::detail {

template <class View>
inline constexpr bool kOwnsElements = false;
template <class Range>
inline constexpr bool kOwnsElements<std::ranges::owning_view<Range>> = true;

template <class Range>
inline constexpr bool kIndexable =
    std::ranges::random_access_range<Range> && std::ranges::sized_range<Range>;

/// A function and ranges that every worker can index: calls it on elements by their number, without
/// copying them.
template <class R, class F, class... Views>
class IndexedCall {
 public:
  using Result = R;
  /// Whether calls read a range that belongs to the caller.
  static constexpr bool kReadsCallersRange = !(kOwnsElements<Views> && ...);

  explicit IndexedCall(F function, Views... views)
      : function_(std::move(function)), views_(std::move(views)...) {}

  /// The elements of the shortest range.
  std::size_t size() { return size_of_shortest(views_); }

  /// Several threads may call it at once, for different elements.
  R operator()(std::size_t i) {
    return std::apply(
        [&](auto&... inputs) -> R { return std::invoke(function_, element(inputs, i)...); },
        views_);
  }

 private:
  template <class View>
  static decltype(auto) element(View& view, std::size_t i) {
    return std::ranges::begin(view)[static_cast<std::ranges::range_difference_t<View>>(i)];
  }

  F function_;
  std::tuple<Views...> views_;
};

template <class F, class... Views>
auto make_indexed_call(F function, Views... views) {
  using R = std::invoke_result_t<F&, std::ranges::range_reference_t<Views>...>;
  return IndexedCall<R, F, Views...>(std::move(function), std::move(views)...);
}

}  // namespace poolmark::detail
