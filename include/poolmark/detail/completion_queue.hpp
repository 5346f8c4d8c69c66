#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <vector>

#include "poolmark/detail/fork_guard.hpp"
#include "poolmark/detail/future_state.hpp"
#include "poolmark/detail/wait_signal.hpp"
#include "poolmark/detail/wake_moderation.hpp"

namespace poolmark::detail {

/// Futures in the order in which they are done. Any number of threads complete them; one thread
/// adds and takes. Adding, completing and taking are O(1) each, whatever the number of futures.
class CompletionQueue {
 public:
  CompletionQueue() = default;
  CompletionQueue(const CompletionQueue&) = delete;
  CompletionQueue& operator=(const CompletionQueue&) = delete;
  ~CompletionQueue();

  /// Follows one more future. `tag` is what take() gives back for it.
  void add(const IntrusivePtr<FutureState>& state, std::size_t tag) {
    if (ready_.size() + pending_ >= ready_.capacity()) make_room();
    ++size_;
    if (is_done(state->phase())) {
      push_done(tag);
    } else {
      follow(state, tag);
    }
  }

  /// How many futures have been added and not yet taken.
  std::size_t size() const noexcept { return size_; }

  /// Blocks until one is done and returns its tag; false when the deadline passed first or nothing
  /// is left to wait for. DeadlockError in a forked child, if one of the parent's is not done.
  bool take(std::size_t& tag, const Deadline& deadline) {
    if (taken_ == ready_.size() && !await_ready(deadline)) return false;
    tag = ready_[taken_++];
    --size_;
    return true;
  }

  /// The same, but never blocks: false if none is known to be done.
  bool try_take(std::size_t& tag) noexcept {
    if (taken_ == ready_.size()) collect_done();
    if (taken_ == ready_.size()) return false;
    tag = ready_[taken_++];
    --size_;
    return true;
  }

 private:
  struct Entry : Observer {
    CompletionQueue* queue = nullptr;
    IntrusivePtr<FutureState> state;
    std::size_t tag = 0;
    Entry* next_done = nullptr;  // done earlier
  };

  static FutureState* awaited_at(void* queue, std::size_t i) noexcept;
  static const std::atomic<std::uint32_t>* on_done(Observer& observer, Phase outcome) noexcept;

  void refuse_if_inherited() const;
  void make_room();
  /// Behind those that were done before it and have not been collected yet.
  void push_done(std::size_t tag) noexcept {
    // Relaxed: who completed this one later than another, and is seen to have, is seen in both.
    if (pending_ != 0 && done_.load(std::memory_order_relaxed) != nullptr) collect_done();
    ready_.push_back(tag);
  }
  void follow(const IntrusivePtr<FutureState>& state, std::size_t tag);
  bool await_ready(const Deadline& deadline);
  bool is_driven() const noexcept { return driver_ != nullptr && !drivers_differ_; }
  bool sleep_until_news(const Deadline& deadline);
  Entry* new_entry();
  void collect_done() noexcept;
  void release(Entry& entry) noexcept;
  void note_driver(ProgressDriver* driver) noexcept;

  std::deque<Entry> entries_;  // a deque, because observers must not move
  std::vector<Entry*> unused_;
  std::size_t size_ = 0;
  std::size_t pending_ = 0;  // of these, not known to be done

  // The tags of those that are done, oldest first, behind those that have been taken. There is
  // always room for all that are pending: collecting allocates nothing.
  std::vector<std::size_t> ready_;
  std::size_t taken_ = 0;

  WakeModeration moderation_;

  const std::uint32_t fork_generation_ = fork_generation();  // of the process that made it

  // All pending futures' driver, if it is one and the same.
  ProgressDriver* driver_ = nullptr;
  bool drivers_differ_ = false;

  // Done and not yet seen, newest first. Release on push, acquire on collecting: the entry's
  // next_done goes from the completing thread to the taker.
  std::atomic<Entry*> done_{nullptr};
  WaitSignal signal_;
};

}  // namespace poolmark::detail
