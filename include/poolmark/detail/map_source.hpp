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

#include "poolmark/detail/indexed_call.hpp"
#include "poolmark/detail/map_batch.hpp"
#include "poolmark/detail/map_input.hpp"
#include "poolmark/future.hpp"

// Where a map's work comes from: an input, cut into chunks, each submitted as one task.
namespace poolmark::detail {

template <class R>
class ChunkSource {
 public:
  struct Submitted {
    Future<Batch<R>> future;
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

  /// How many elements are left to be submitted, where that can be known.
  virtual std::optional<std::size_t> left() const { return std::nullopt; }

  /// Sees to it that chunks which have been answered are done.
  virtual void collect_answers() {}
};

/// Runs slices of ranges that every worker can index, without copying an element.
template <class R, class Submitter, class F, class... Views>
class SliceSource final : public ChunkSource<R> {
 public:
  using Call = IndexedCall<R, F, Views...>;

  SliceSource(Submitter submitter, Call call)
      : submitter_(std::move(submitter)),
        call_(std::make_shared<Call>(std::move(call))),
        size_(call_->size()) {}

  std::optional<typename ChunkSource<R>::Submitted> submit_next(std::size_t size) override {
    const std::size_t count = std::min(size, size_ - next_);
    if (count == 0) return std::nullopt;
    auto future = submitter_.submit(
        [call = call_](std::size_t first, std::size_t n) { return run(*call, first, n); }, next_,
        count);
    next_ += count;
    return typename ChunkSource<R>::Submitted{std::move(future), count};
  }

  bool reads_callers_range() const noexcept override { return Call::kReadsCallersRange; }

 private:
  static Batch<R> run(Call& call, std::size_t first, std::size_t size) {
    return Batch<R>::of(first, size, [&](std::size_t i) -> R { return call(i); });
  }

  Submitter submitter_;
  std::shared_ptr<Call> call_;
  std::size_t size_;
  std::size_t next_ = 0;
};

/// Calls the function with elements that came by value.
template <class R, class F>
struct CallEach {
  template <class Element>
  Batch<R> operator()(std::vector<Element> elements) {
    return Batch<R>::of(0, elements.size(), [&](std::size_t i) -> R {
      return std::apply(
          [this](auto&... parts) -> R { return std::invoke(function, std::move(parts)...); },
          elements[i]);
    });
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

/// Reads the input element by element, in the caller's thread only, and submits copies. `Each`
/// calls the function with those of a chunk.
template <class R, class Submitter, class F, template <class, class> class Each, class... Views>
class ElementSource final : public ChunkSource<R> {
 public:
  ElementSource(Submitter submitter, F function, Views... views)
      : submitter_(std::move(submitter)),
        function_(std::move(function)),
        input_(std::move(views)...) {}

  std::optional<typename ChunkSource<R>::Submitted> submit_next(std::size_t size) override {
    std::vector<Element> elements;
    const auto keep = [&](auto&&... parts) {
      elements.emplace_back(std::forward<decltype(parts)>(parts)...);
    };
    while (elements.size() < size && input_.read(keep)) {
    }
    if (elements.empty()) return std::nullopt;
    const std::size_t count = elements.size();
    return typename ChunkSource<R>::Submitted{
        submitter_.submit(Each<R, F>{function_}, std::move(elements)), count};
  }

  bool reads_callers_range() const noexcept override { return false; }

 private:
  using Element = std::tuple<std::ranges::range_value_t<Views>...>;

  Submitter submitter_;
  F function_;
  InputReader<Views...> input_;
};

// ---- making them

template <class Submitter, class R, class F, class... Views>
std::unique_ptr<ChunkSource<R>> slice_source(Submitter submitter,
                                             IndexedCall<R, F, Views...> call) {
  return std::make_unique<SliceSource<R, Submitter, F, Views...>>(std::move(submitter),
                                                                  std::move(call));
}

template <class R, template <class, class> class Each, class Submitter, class F, class... Views>
std::unique_ptr<ChunkSource<R>> element_source(Submitter submitter, F function, Views... views) {
  using Kept = SharedFunction<F>;
  return std::make_unique<ElementSource<R, Submitter, Kept, Each, Views...>>(
      std::move(submitter), Kept{std::make_shared<F>(std::move(function))}, std::move(views)...);
}

template <class Submitter, class F, class... Views>
auto element_source(Submitter submitter, F function, Views... views) {
  using R = std::invoke_result_t<F&, std::ranges::range_value_t<Views>...>;
  return element_source<R, CallEach>(std::move(submitter), std::move(function),
                                     std::move(views)...);
}

}  // namespace poolmark::detail
