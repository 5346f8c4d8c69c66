#pragma once

#include <algorithm>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <ranges>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "poolmark/detail/outcome.hpp"
#include "poolmark/future.hpp"

// Where a map's work comes from: an input, cut into chunks, each submitted as one task.
namespace poolmark::detail {

/// The outcomes of some consecutive elements.
template <class R>
using Chunk = std::vector<Outcome<R>>;

template <class R>
class ChunkSource {
 public:
  struct Submitted {
    Future<Chunk<R>> future;
    std::size_t size;
  };

  ChunkSource() = default;
  ChunkSource(const ChunkSource&) = delete;
  ChunkSource& operator=(const ChunkSource&) = delete;
  virtual ~ChunkSource() = default;

  /// Submits the next `size` elements, or the fewer that are left; none at the end of the input.
  /// Throws what reading the input or submitting throws.
  virtual std::optional<Submitted> submit_next(std::size_t size) = 0;

  /// Whether running chunks read a range that belongs to the caller.
  virtual bool reads_callers_range() const noexcept = 0;
};

/// Runs slices of ranges that every worker can index, without copying an element.
template <class R, class F, class... Views>
struct SliceJob {
  SliceJob(F f, Views... inputs) : function(std::move(f)), views(std::move(inputs)...) {}

  Chunk<R> run(std::size_t first, std::size_t size) {
    Chunk<R> outcomes;
    outcomes.reserve(size);
    for (std::size_t i = first; i < first + size; ++i) {
      outcomes.push_back(Outcome<R>::of([&]() -> R { return call(i); }));
    }
    return outcomes;
  }

  std::size_t size() {
    return std::apply(
        [](auto&... inputs) {
          return std::min({static_cast<std::size_t>(std::ranges::size(inputs))...});
        },
        views);
  }

 private:
  R call(std::size_t i) {
    return std::apply(
        [&](auto&... inputs) -> R { return std::invoke(function, element(inputs, i)...); }, views);
  }

  template <class View>
  static decltype(auto) element(View& view, std::size_t i) {
    return std::ranges::begin(view)[static_cast<std::ranges::range_difference_t<View>>(i)];
  }

  F function;
  std::tuple<Views...> views;
};

template <class View>
inline constexpr bool kOwnsElements = false;
template <class Range>
inline constexpr bool kOwnsElements<std::ranges::owning_view<Range>> = true;

template <class R, class Submitter, class F, class... Views>
class SliceSource final : public ChunkSource<R> {
 public:
  SliceSource(Submitter submitter, F function, Views... views)
      : submitter_(std::move(submitter)),
        job_(std::make_shared<Job>(std::move(function), std::move(views)...)),
        size_(job_->size()) {}

  std::optional<typename ChunkSource<R>::Submitted> submit_next(std::size_t size) override {
    const std::size_t count = std::min(size, size_ - next_);
    if (count == 0) return std::nullopt;
    auto future = submitter_.submit(
        [job = job_](std::size_t first, std::size_t n) { return job->run(first, n); }, next_,
        count);
    next_ += count;
    return typename ChunkSource<R>::Submitted{std::move(future), count};
  }

  bool reads_callers_range() const noexcept override { return !(kOwnsElements<Views> && ...); }

 private:
  using Job = SliceJob<R, F, Views...>;

  Submitter submitter_;
  std::shared_ptr<Job> job_;
  std::size_t size_;
  std::size_t next_ = 0;
};

/// Calls the function with elements that came by value. An object, not a lambda, so that it can
/// cross to a worker process when the function itself can.
template <class R, class F>
struct CallEach {
  template <class Element>
  Chunk<R> operator()(std::vector<Element> elements) {
    Chunk<R> outcomes;
    outcomes.reserve(elements.size());
    for (Element& element : elements) {
      outcomes.push_back(Outcome<R>::of([&]() -> R {
        return std::apply(
            [this](auto&... parts) -> R { return std::invoke(function, std::move(parts)...); },
            element);
      }));
    }
    return outcomes;
  }

  F function;
};

/// One function for all chunks of a pool that shares memory; it need not be copyable.
template <class F>
struct SharedFunction {
  template <class... Args>
  decltype(auto) operator()(Args&&... args) {
    return std::invoke(*function, std::forward<Args>(args)...);
  }

  std::shared_ptr<F> function;
};

/// Reads the input element by element, in the caller's thread only, and submits copies.
template <class R, class Submitter, class F, class... Views>
class ElementSource final : public ChunkSource<R> {
 public:
  ElementSource(Submitter submitter, F function, Views... views)
      : submitter_(std::move(submitter)),
        function_(std::move(function)),
        views_(std::make_unique<std::tuple<Views...>>(std::move(views)...)),
        places_(std::apply([](auto&... inputs) { return Places(std::ranges::begin(inputs)...); },
                           *views_)) {}

  std::optional<typename ChunkSource<R>::Submitted> submit_next(std::size_t size) override {
    std::vector<Element> elements;
    while (elements.size() < size && read_into(elements, std::index_sequence_for<Views...>())) {
    }
    if (elements.empty()) return std::nullopt;
    const std::size_t count = elements.size();
    return typename ChunkSource<R>::Submitted{
        submitter_.submit(CallEach<R, F>{function_}, std::move(elements)), count};
  }

  bool reads_callers_range() const noexcept override { return false; }

 private:
  using Element = std::tuple<std::ranges::range_value_t<Views>...>;
  using Places = std::tuple<std::ranges::iterator_t<Views>...>;

  // An input iterator may block or have effects when it is advanced, so it is advanced only when
  // the next element is wanted.
  template <std::size_t... I>
  bool read_into(std::vector<Element>& elements, std::index_sequence<I...>) {
    if (std::exchange(advance_first_, false)) (++std::get<I>(places_), ...);
    if (((std::get<I>(places_) == std::ranges::end(std::get<I>(*views_))) || ...)) return false;
    elements.emplace_back(*std::get<I>(places_)...);
    advance_first_ = true;
    return true;
  }

  Submitter submitter_;
  F function_;
  std::unique_ptr<std::tuple<Views...>> views_;  // in one place: iterators may point into a view
  Places places_;
  bool advance_first_ = false;
};

template <class Range>
inline constexpr bool kIndexable =
    std::ranges::random_access_range<Range> && std::ranges::sized_range<Range>;

/// The source that fits the submitter and the inputs.
template <class Submitter, class F, class... Rs>
auto make_chunk_source(Submitter submitter, F function, Rs&&... inputs) {
  if constexpr (Submitter::kSharesMemory && (kIndexable<std::views::all_t<Rs>> && ...)) {
    using R = std::invoke_result_t<F&, std::ranges::range_reference_t<std::views::all_t<Rs>>...>;
    using Source = SliceSource<R, Submitter, F, std::views::all_t<Rs>...>;
    return std::unique_ptr<ChunkSource<R>>(std::make_unique<Source>(
        std::move(submitter), std::move(function), std::views::all(std::forward<Rs>(inputs))...));
  } else {
    using R = std::invoke_result_t<F&, std::ranges::range_value_t<std::views::all_t<Rs>>...>;
    using Kept = std::conditional_t<Submitter::kSharesMemory, SharedFunction<F>, F>;
    using Source = ElementSource<R, Submitter, Kept, std::views::all_t<Rs>...>;
    Kept kept = [&] {
      if constexpr (Submitter::kSharesMemory) {
        return Kept{std::make_shared<F>(std::move(function))};
      } else {
        return std::move(function);
      }
    }();
    return std::unique_ptr<ChunkSource<R>>(std::make_unique<Source>(
        std::move(submitter), std::move(kept), std::views::all(std::forward<Rs>(inputs))...));
  }
}

}  // namespace poolmark::detail
