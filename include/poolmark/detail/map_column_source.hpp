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
#include "poolmark/detail/unpacked.hpp"
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
      : submitter_(std::move(submitter)), call_{std::move(function)}, input_(std::move(views)...) {
    if (const void* code = known_code(call_.function)) submitter_.require_known(code);
  }

  std::optional<typename ChunkSource<R>::Submitted> submit_next(std::size_t size) override {
    Columns columns;
    std::size_t count = 0;
    if constexpr (kInRows) {
      count = std::min(size, input_.left());
      input_.read_row(count, [&](const auto*... first) {
        columns = Columns(Column<std::ranges::range_value_t<Views>>(first, count)...);
      });
    } else {
      const auto keep = [&](auto&&... parts) {
        push_back(columns, kEach, std::forward<decltype(parts)>(parts)...);
      };
      while (count < size && input_.read(keep)) ++count;
    }
    if (count == 0) return std::nullopt;
    auto future = std::apply(
        [&](auto&... filled) { return submitter_.submit(call_, std::move(filled)...); }, columns);
    return typename ChunkSource<R>::Submitted{std::move(future), count};
  }

  bool reads_callers_range() const noexcept override { return false; }

  std::optional<std::size_t> left() const override {
    return InputReader<Views...>::kSized ? std::optional(input_.left()) : std::nullopt;
  }

  void collect_answers() override { submitter_.collect_answers(); }

 private:
  using Columns = std::tuple<Column<std::ranges::range_value_t<Views>>...>;
  static constexpr bool kInRows = (kBytesInARow<Views> && ...);
  static constexpr std::index_sequence_for<Views...> kEach{};

  template <std::size_t... I, class... Parts>
  static void push_back(Columns& columns, std::index_sequence<I...>, Parts&&... parts) {
    (std::get<I>(columns).push_back(std::forward<Parts>(parts)), ...);
  }

  Submitter submitter_;
  CallColumns<R, F> call_;
  InputReader<Views...> input_;
};

template <class Submitter, class F, class... Views>
auto column_source(Submitter submitter, F function, Views... views) {
  using R = std::invoke_result_t<F&, std::ranges::range_value_t<Views>...>;
  return std::unique_ptr<ChunkSource<R>>(std::make_unique<ColumnSource<R, Submitter, F, Views...>>(
      std::move(submitter), std::move(function), std::move(views)...));
}

}  // namespace poolmark::detail
