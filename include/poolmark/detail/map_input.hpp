#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <ranges>
#include <tuple>
#include <utility>

namespace poolmark::detail {

/// How many elements inputs of known sizes have together: as many as the shortest.
template <class... Views>
std::size_t size_of_shortest(std::tuple<Views...>& views) {
  return std::apply(
      [](auto&... inputs) {
        return std::min({static_cast<std::size_t>(std::ranges::size(inputs))...});
      },
      views);
}

/// Inputs read together, element by element, up to the end of the shortest. For one thread.
template <class... Views>
class InputReader {
 public:
  static constexpr bool kSized = (std::ranges::sized_range<Views> && ...);

  explicit InputReader(Views... views)
      : views_(std::make_unique<std::tuple<Views...>>(std::move(views)...)),
        left_(count_elements()),  // before begin(), which an input range has but once
        places_(std::apply([](auto&... inputs) { return Places(std::ranges::begin(inputs)...); },
                           *views_)) {}

  /// How many elements are left, if kSized.
  std::size_t left() const noexcept { return left_; }

  /// Calls take(element...) with the next ones; false if there are none.
  template <class Take>
  bool read(Take take) {
    return read(take, std::index_sequence_for<Views...>());
  }

  /// Of inputs that lie in rows: calls take(pointer...) with the next `count` of each, no more than
  /// are left.
  template <class Take>
  void read_row(std::size_t count, Take take) {
    left_ -= count;
    std::apply(
        [&](auto&... places) {
          take(std::to_address(places)...);
          ((places += static_cast<std::ptrdiff_t>(count)), ...);
        },
        places_);
  }

 private:
  using Places = std::tuple<std::ranges::iterator_t<Views>...>;

  std::size_t count_elements() const {
    if constexpr (kSized) {
      return size_of_shortest(*views_);
    } else {
      return 0;
    }
  }

  // An input iterator may block or have effects when it is advanced, so it is advanced only when
  // the next element is wanted.
  template <class Take, std::size_t... I>
  bool read(Take& take, std::index_sequence<I...>) {
    if (std::exchange(advance_first_, false)) (++std::get<I>(places_), ...);
    if (((std::get<I>(places_) == std::ranges::end(std::get<I>(*views_))) || ...)) return false;
    take(*std::get<I>(places_)...);
    advance_first_ = true;
    if constexpr (kSized) --left_;
    return true;
  }

  std::unique_ptr<std::tuple<Views...>> views_;  // in one place: iterators may point into a view
  std::size_t left_;
  Places places_;
  bool advance_first_ = false;
};

}  // namespace poolmark::detail
