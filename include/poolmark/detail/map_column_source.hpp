#pragma once

#include <algorithm>
#include <functional>
#include <memory>
#include <optional>
#include <ranges>
#include <tuple>
#include <type_traits>
#include <utility>

#include "poolmark/detail/map_column.hpp"
#include "poolmark/detail/map_source.hpp"
#include "poolmark/detail/wire_batch.hpp"

// Where the work of a map over worker processes comes from: copies of elements, a column an input.
namespace poolmark::detail {

/// Calls the function with elements that came in columns. An object, not a lambda, so that it can
/// cross to a worker process when the function itself can.
template <class R, class F>
struct CallColumns {
  template <class... Vs>
  Batch<R> operator()(Column<Vs>... columns) {
    const std::size_t count = std::min({columns.size()...});
    return Batch<R>::of(
        0, count, [&](std::size_t i) -> R { return std::invoke(function, columns.take(i)...); });
  }

  F function;
};

/// Reads the inputs in the caller's thread only.
template <class R, class Submitter, class F, class... Views>
class ColumnSource final : public ChunkSource<R> {
 public:
  ColumnSource(Submitter submitter, F function, Views... views)
      : submitter_(std::move(submitter)),
        call_{std::move(function)},
        views_(std::make_unique<std::tuple<Views...>>(std::move(views)...)),
        left_(count_elements()),  // before begin(), which an input range has but once
        places_(std::apply([](auto&... inputs) { return Places(std::ranges::begin(inputs)...); },
                           *views_)) {
    if constexpr (std::is_pointer_v<F>) {
      submitter_.require_known(reinterpret_cast<const void*>(call_.function));
    }
  }

  std::optional<typename ChunkSource<R>::Submitted> submit_next(std::size_t size) override {
    return submit_next(size, std::index_sequence_for<Views...>());
  }

  bool reads_callers_range() const noexcept override { return false; }

  std::optional<std::size_t> left() const override {
    return kSized ? std::optional(left_) : std::nullopt;
  }

  void collect_answers() override { submitter_.collect_answers(); }

 private:
  using Columns = std::tuple<Column<std::ranges::range_value_t<Views>>...>;
  using Places = std::tuple<std::ranges::iterator_t<Views>...>;
  static constexpr bool kSized = (std::ranges::sized_range<Views> && ...);
  static constexpr bool kInRows = (kBytesInARow<Views> && ...);

  std::size_t count_elements() const {
    if constexpr (kSized) {
      return std::apply(
          [](auto&... inputs) {
            return std::min({static_cast<std::size_t>(std::ranges::size(inputs))...});
          },
          *views_);
    } else {
      return 0;
    }
  }

  template <std::size_t... I>
  std::optional<typename ChunkSource<R>::Submitted> submit_next(std::size_t size,
                                                                std::index_sequence<I...>) {
    Columns columns;
    std::size_t count = 0;
    if constexpr (kInRows) {
      count = std::min(size, left_);
      ((std::get<I>(columns) = {std::to_address(std::get<I>(places_)), count}), ...);
      ((std::get<I>(places_) +=
        static_cast<std::iter_difference_t<std::tuple_element_t<I, Places>>>(count)),
       ...);
    } else {
      while (count < size && read_into<I...>(columns)) ++count;
    }
    if (count == 0) return std::nullopt;
    if constexpr (kSized) left_ -= count;
    return typename ChunkSource<R>::Submitted{
        submitter_.submit(call_, std::get<I>(std::move(columns))...), count};
  }

  // An input iterator may block or have effects when it is advanced, so it is advanced only when
  // the next element is wanted.
  template <std::size_t... I>
  bool read_into(Columns& columns) {
    if (std::exchange(advance_first_, false)) (++std::get<I>(places_), ...);
    if (((std::get<I>(places_) == std::ranges::end(std::get<I>(*views_))) || ...)) return false;
    (std::get<I>(columns).push_back(*std::get<I>(places_)), ...);
    advance_first_ = true;
    return true;
  }

  Submitter submitter_;
  CallColumns<R, F> call_;
  std::unique_ptr<std::tuple<Views...>> views_;  // in one place: iterators may point into a view
  std::size_t left_;                             // if kSized
  Places places_;
  bool advance_first_ = false;
};

template <class Submitter, class F, class... Views>
auto column_source(Submitter submitter, F function, Views... views) {
  using R = std::invoke_result_t<F&, std::ranges::range_value_t<Views>...>;
  return std::unique_ptr<ChunkSource<R>>(std::make_unique<ColumnSource<R, Submitter, F, Views...>>(
      std::move(submitter), std::move(function), std::move(views)...));
}

}  // namespace poolmark::detail
