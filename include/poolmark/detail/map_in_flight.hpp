#pragma once

#include <cstddef>
#include <deque>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

#include "poolmark/detail/completion_queue.hpp"
#include "poolmark/detail/map_source.hpp"
#include "poolmark/detail/map_stream.hpp"

// The chunks of a map that have been submitted and not read to their end, and which of them comes
// next. For one thread.
namespace poolmark::detail {

/// In the order of the input.
template <class R>
class InOrderOfInput {
 public:
  using Submitted = typename ChunkSource<R>::Submitted;

  bool empty() const noexcept { return chunks_.empty(); }
  void push(Submitted chunk) { chunks_.push_back(std::move(chunk)); }

  /// Blocks until the next chunk is done; false when the deadline passed first.
  bool await_next(const Deadline& deadline) { return next().future.state()->wait_done(deadline); }
  /// The chunk that comes next, or is being read. Not when empty.
  Submitted& next() noexcept { return chunks_.front(); }
  void pop_next() {
    chunks_.pop_front();
    if (seen_ > 0) --seen_;
  }

  /// How many there are that see_done() has not seen.
  std::size_t unseen() const noexcept { return chunks_.size() - seen_; }
  /// Blocks until it has one more to see, or until the deadline: false.
  bool await_unseen(const Deadline& deadline) {
    return chunks_[seen_].future.state()->wait_done(deadline);
  }
  /// Calls see(chunk) with chunks that are done, with each once.
  template <class See>
  void see_done(See see) {
    for (; seen_ < chunks_.size() && chunks_[seen_].future.done(); ++seen_) see(chunks_[seen_]);
  }

  template <class Visit>
  void for_each(Visit visit) {
    for (Submitted& chunk : chunks_) visit(chunk);
  }

  void clear() {
    chunks_.clear();
    seen_ = 0;
  }

 private:
  std::deque<Submitted> chunks_;
  std::size_t seen_ = 0;  // from the front on
};

/// In the order in which they are done.
template <class R>
class InOrderOfCompletion {
 public:
  using Submitted = typename ChunkSource<R>::Submitted;

  bool empty() const noexcept { return unused_.size() == places_.size(); }

  void push(Submitted chunk) {
    if (unused_.empty()) {
      places_.emplace_back();
      unused_.push_back(places_.size() - 1);
    }
    const std::size_t place = unused_.back();
    completions_->add(chunk.future.state(), place);
    unused_.pop_back();
    places_[place] = std::move(chunk);
  }

  bool await_next(const Deadline& deadline) { return !done_.empty() || await_done(deadline); }
  /// Not before await_next().
  Submitted& next() noexcept { return *places_[done_.front()]; }
  void pop_next() {
    places_[done_.front()].reset();
    unused_.push_back(done_.front());
    done_.pop_front();
    if (seen_ > 0) --seen_;
  }

  std::size_t unseen() const noexcept { return places_.size() - unused_.size() - seen_; }
  bool await_unseen(const Deadline& deadline) {
    return seen_ < done_.size() || await_done(deadline);
  }
  template <class See>
  void see_done(See see) {
    for (std::size_t place = 0; completions_->try_take(place);) done_.push_back(place);
    for (; seen_ < done_.size(); ++seen_) see(*places_[done_[seen_]]);
  }

  template <class Visit>
  void for_each(Visit visit) {
    for (std::optional<Submitted>& chunk : places_) {
      if (chunk) visit(*chunk);
    }
  }

  void clear() {
    completions_.reset();  // nothing comes after this
    places_.clear();
    unused_.clear();
    done_.clear();
    seen_ = 0;
  }

 private:
  /// Blocks until one more is known to be done.
  bool await_done(const Deadline& deadline) {
    if (!deadline) offer_to_run_in_place();
    std::size_t place = 0;
    if (!completions_->take(place, deadline)) return false;
    done_.push_back(place);
    return true;
  }

  /// The worker of a thread pool that is to run the chunks may have to run one itself.
  void offer_to_run_in_place() {
    for (std::size_t looked = 0; looked < places_.size(); ++looked) {
      offered_ %= places_.size();
      const std::optional<Submitted>& chunk = places_[offered_++];
      if (!chunk || chunk->future.state()->phase() != Phase::kPending) continue;
      chunk->future.state()->before_wait();
      return;
    }
  }

  std::deque<std::optional<Submitted>> places_;
  std::vector<std::size_t> unused_;  // of the places
  std::size_t offered_ = 0;          // the place to go on looking for one that nobody runs
  // Follows the futures of all that are not known to be done, by their places.
  std::unique_ptr<CompletionQueue> completions_ = std::make_unique<CompletionQueue>();
  std::deque<std::size_t> done_;  // the places of those that are, in that order
  std::size_t seen_ = 0;          // of these, from the front on
};

template <class R, MapOrder kOrder>
using InFlight =
    std::conditional_t<kOrder == MapOrder::kOfInput, InOrderOfInput<R>, InOrderOfCompletion<R>>;

}  // namespace poolmark::detail
