#pragma once

#include <exception>
#include <memory>
#include <ranges>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "poolmark/coroutine.hpp"
#include "poolmark/detail/map_batch.hpp"
#include "poolmark/detail/map_source.hpp"

// How an async executor maps: each chunk is a task, because a task that went on to further elements
// by itself would keep the loop from everything else.
namespace poolmark::detail {

/// Awaits the function with elements that came by value, one after the other.
template <class R, class F>
struct AwaitEach {
  template <class Element>
  Coroutine<Batch<R>> operator()(std::vector<Element> elements) {
    const CoroutineChain& chain = co_await this_chain;
    Batch<R> batch(elements.size());
    for (Element& element : elements) {
      try {
        if constexpr (std::is_void_v<R>) {
          co_await call(element);
          batch.add_value({});
        } else {
          batch.add_value(co_await call(element));
        }
      } catch (...) {
        // The map was closed: the elements that have not begun are not wanted.
        if (chain.cancelled_by() != nullptr) throw;
        batch.add_error(std::current_exception());
      }
    }
    co_return batch;
  }

  template <class Element>
  auto call(Element& element) {
    return std::apply([this](auto&... parts) { return std::invoke(function, std::move(parts)...); },
                      element);
  }

  F function;
};

template <class Submitter, class F, class... Views>
auto async_map_source(Submitter submitter, F function, Views... views) {
  using OfElements = std::invoke_result_t<F&, std::ranges::range_value_t<Views>...>;
  if constexpr (Unwrapped<OfElements>::kIsCoroutine) {
    // Copies: a cancelled coroutine may still unwind when the caller's range is gone.
    return element_source<typename Unwrapped<OfElements>::type, AwaitEach>(
        std::move(submitter), std::move(function), std::move(views)...);
  } else if constexpr ((kIndexable<Views> && ...)) {
    return slice_source(std::move(submitter),
                        make_indexed_call(std::move(function), std::move(views)...));
  } else {
    return element_source(std::move(submitter), std::move(function), std::move(views)...);
  }
}

}  // namespace poolmark::detail
