#pragma once

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <iterator>
#include <memory>
#include <optional>
#include <ostream>
#include <ranges>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "poolmark/detail/completion_queue.hpp"
#include "poolmark/detail/spin.hpp"
#include "poolmark/future.hpp"
#include "poolmark/timeout.hpp"

/// Waiting for many futures at once, of any types and executors mixed.
/// "Module Functions" of Python's concurrent.futures documentation is the source of the rules.
namespace poolmark {

/// A range of future handles: Future<T> of one T, or AnyFuture to mix.
template <class R>
concept FutureRange =
    std::ranges::input_range<R> &&
    std::derived_from<std::remove_cvref_t<std::ranges::range_value_t<R>>, AnyFuture>;

enum class ReturnWhen {
  AllCompleted,    ///< every future is done
  FirstCompleted,  ///< at least one is
  FirstException,  ///< at least one failed (cancelled is not failed), or every future is done
};

struct WaitOptions {
  Timeout timeout = {};
  ReturnWhen return_when = ReturnWhen::AllCompleted;
};

/// What wait() saw, each part in the order of the input. A cancelled future is done.
template <class F>
struct WaitResult {
  std::vector<F> done;
  std::vector<F> not_done;
};

/// `DoneAndNotDoneFutures(done=[<Future at ...>], not_done=[])`: Python's text, but for the
/// brackets, because the futures have an order here. The same through fmt.
template <class F>
std::string to_string(const WaitResult<F>& result);
template <class F>
std::ostream& operator<<(std::ostream& out, const WaitResult<F>& result) {
  return out << to_string(result);
}

/// Blocks until the futures are done as `options.return_when` says, or until the timeout, and
/// returns them in two parts; a timeout is no error here. Copies the handles, collapses duplicates,
/// takes any range, an empty one too. May be called from any thread. In a task of a thread pool and
/// without a timeout, waiting for all runs those of its own pool that have not started, and a wait
/// that could never end throws DeadlockError: see ThreadPoolExecutor.
template <FutureRange R>
auto wait(R&& futures, const WaitOptions& options = {});

struct AsCompletedOptions {
  Timeout timeout = {};  ///< counts from the call of as_completed()
};

template <class F>
class AsCompleted;

/// The futures one by one as they are done, first those that are done already:
/// `for (pm::Future<int>& f : pm::as_completed(futures))`. Begins to wait when iteration does.
/// When the time is over, begin() or ++ throws TimeoutError, after all that were done. Copies the
/// handles, collapses duplicates, and lets go of each future when the iteration moves on; leaving
/// the loop early leaves the other futures as they are. Results that come in quick succession are
/// let gather, so that a wake for each does not take the cores from the tasks: one may be up to
/// half a millisecond late, never more than a quarter of the time since the first. In a task of a
/// thread pool and without a timeout, begin() or ++ throws DeadlockError if none that is left could
/// ever be done.
template <FutureRange R>
auto as_completed(R&& futures, const AsCompletedOptions& options = {});

/// "Wait for any, again and again": futures go in at any time and come out as they are done, O(1)
/// each, where a loop around wait(FirstCompleted) costs O(n) each. For one thread at a time.
template <std::derived_from<AnyFuture> F = AnyFuture>
class CompletionSet {
 public:
  void add(F future) {
    std::size_t slot = futures_.size();
    if (unused_.empty()) {
      futures_.emplace_back();
    } else {
      slot = unused_.back();
      unused_.pop_back();
    }
    futures_[slot] = std::move(future);
    queue_->add(futures_[slot].state(), slot);
  }

  /// Futures that were added and not yet taken.
  std::size_t size() const noexcept { return queue_->size(); }
  bool empty() const noexcept { return size() == 0; }

  /// Blocks until a future is done and takes it out; none if the set is empty. TimeoutError when
  /// the timeout passes first; DeadlockError as from as_completed().
  std::optional<F> next(Timeout timeout = {}) {
    if (empty()) return std::nullopt;
    std::size_t slot = 0;
    if (!queue_->take(slot, timeout.deadline())) throw TimeoutError(size(), size());
    unused_.push_back(slot);
    return std::exchange(futures_[slot], F());
  }

 private:
  std::vector<F> futures_;
  std::vector<std::size_t> unused_;
  std::unique_ptr<detail::CompletionQueue> queue_ = std::make_unique<detail::CompletionQueue>();
};

// ---- implementation
// --------------------------------------------------------------------------------

namespace detail {

/// Whether a future that is done with `outcome` ends a wait, whatever the others do.
constexpr bool is_enough_alone(ReturnWhen return_when, Phase outcome) noexcept {
  return return_when == ReturnWhen::FirstCompleted ||
         (return_when == ReturnWhen::FirstException && outcome == Phase::kError);
}

/// Blocks until enough of `pending` are done: distinct futures that were not, a moment ago.
void wait_for(std::span<FutureState* const> pending, ReturnWhen return_when,
              const Deadline& deadline);

/// A set of future states that only grows: says whether it has seen one before. A table with open
/// addressing, because sorting a hundred thousand pointers costs more than running the tasks.
class SeenStates {
 public:
  explicit SeenStates(std::size_t most);

  /// False if it was inserted before.
  bool insert(const FutureState* state) noexcept;

 private:
  std::vector<const FutureState*> table_;  // a power of two, at most half of it taken
  int shift_;
};

inline const FutureState* state_address(const AnyFuture& future) noexcept {
  return future.state().get();
}

/// Copies of the handles without duplicates, in input order.
template <FutureRange R>
auto distinct_handles(R&& futures) {
  using F = std::remove_cvref_t<std::ranges::range_value_t<R>>;
  std::vector<F> handles;
  if constexpr (std::ranges::sized_range<R>) handles.reserve(std::ranges::size(futures));
  if constexpr (std::ranges::random_access_range<R> && std::ranges::sized_range<R>) {
    // Their counts lie where the workers wrote last. Asking for some at a time hides the way.
    constexpr std::ranges::range_difference_t<R> kAhead = 8;
    const auto first = std::ranges::begin(futures);
    const auto count = static_cast<std::ranges::range_difference_t<R>>(std::ranges::size(futures));
    for (std::ranges::range_difference_t<R> i = 0; i < count; ++i) {
      if (i + kAhead < count) prefetch_for_writing(state_address(first[i + kAhead]));
      handles.push_back(first[i]);
    }
  } else {
    for (auto&& future : futures) handles.push_back(future);
  }
  if (handles.size() < 2) return handles;
  SeenStates seen(handles.size());
  // A repeated handle keeps its first place.
  std::erase_if(handles, [&](const F& handle) { return !seen.insert(handle.state().get()); });
  return handles;
}

}  // namespace detail

template <FutureRange R>
auto wait(R&& futures, const WaitOptions& options) {
  using F = std::remove_cvref_t<std::ranges::range_value_t<R>>;
  const auto deadline = options.timeout.deadline();
  std::vector<F> handles = detail::distinct_handles(futures);
  std::vector<detail::FutureState*> pending;
  bool is_enough = false;
  for (const F& handle : handles) {
    const detail::Phase phase = handle.state()->phase();
    if (!detail::is_done(phase)) {
      pending.push_back(handle.state().get());
    } else if (detail::is_enough_alone(options.return_when, phase)) {
      is_enough = true;
    }
  }
  if (pending.empty()) return WaitResult<F>{std::move(handles), {}};
  if (!is_enough) detail::wait_for(pending, options.return_when, deadline);

  WaitResult<F> result;
  result.done.reserve(handles.size());
  for (F& handle : handles) {
    (handle.done() ? result.done : result.not_done).push_back(std::move(handle));
  }
  return result;
}

template <class F>
std::string to_string(const WaitResult<F>& result) {
  return fmt::format("DoneAndNotDoneFutures(done=[{}], not_done=[{}])",
                     fmt::join(result.done, ", "), fmt::join(result.not_done, ", "));
}

/// The range that as_completed() returns. Single pass; for one thread.
template <class F>
class AsCompleted {
 public:
  class iterator {
   public:
    using iterator_concept = std::input_iterator_tag;
    using value_type = F;
    using reference = F&;
    using difference_type = std::ptrdiff_t;

    iterator() = default;
    explicit iterator(AsCompleted* range) : range_(range) {}

    F& operator*() const { return range_->futures_[range_->current_]; }
    F* operator->() const { return &**this; }
    iterator& operator++() {
      range_->advance();
      return *this;
    }
    void operator++(int) { ++*this; }
    friend bool operator==(const iterator& it, std::default_sentinel_t) noexcept {
      return it.at_end();
    }

   private:
    bool at_end() const noexcept { return range_ == nullptr || range_->current_ == kNone; }

    AsCompleted* range_ = nullptr;
  };

  AsCompleted(std::vector<F> futures, detail::Deadline deadline)
      : futures_(std::move(futures)),
        deadline_(deadline),
        queue_(std::make_unique<detail::CompletionQueue>()) {
    for (std::size_t i = 0; i < futures_.size(); ++i) queue_->add(futures_[i].state(), i);
  }

  iterator begin() {
    if (current_ == kNone) advance();
    return iterator(this);
  }
  std::default_sentinel_t end() const noexcept { return {}; }

 private:
  static constexpr std::size_t kNone = static_cast<std::size_t>(-1);

  void advance() {
    if (current_ != kNone) futures_[std::exchange(current_, kNone)] = F();
    const std::size_t unfinished = queue_->size();
    if (unfinished == 0) return;
    if (!queue_->take(current_, deadline_)) throw TimeoutError(unfinished, futures_.size());
  }

  std::vector<F> futures_;
  detail::Deadline deadline_;
  std::size_t current_ = kNone;
  std::unique_ptr<detail::CompletionQueue> queue_;
};

template <FutureRange R>
auto as_completed(R&& futures, const AsCompletedOptions& options) {
  using F = std::remove_cvref_t<std::ranges::range_value_t<R>>;
  const auto deadline = options.timeout.deadline();
  return AsCompleted<F>(detail::distinct_handles(futures), deadline);
}

}  // namespace poolmark

template <class F>
struct fmt::formatter<poolmark::WaitResult<F>> : poolmark::detail::TextFormatter {
  template <class Context>
  auto format(const poolmark::WaitResult<F>& result, Context& context) const {
    return write(poolmark::to_string(result), context);
  }
};
