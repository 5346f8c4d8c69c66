#pragma once

#include <atomic>
#include <cstddef>
#include <deque>
#include <vector>

#include "poolmark/detail/future_state.hpp"
#include "poolmark/detail/wait_signal.hpp"

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
  void add(IntrusivePtr<FutureState> state, std::size_t tag);

  /// How many futures have been added and not yet taken.
  std::size_t size() const noexcept { return size_; }

  /// Blocks until one is done and returns its tag; false when the deadline passed first or nothing
  /// is left to wait for.
  bool take(std::size_t& tag, const Deadline& deadline);

 private:
  struct Entry : Observer {
    CompletionQueue* queue = nullptr;
    IntrusivePtr<FutureState> state;
    std::size_t tag = 0;
    Entry* next_done = nullptr;
  };

  static const std::atomic<std::uint32_t>* on_done(Observer& observer, Phase outcome) noexcept;

  Entry* new_entry();
  void append_to_ready(Entry* entry) noexcept;
  void collect_done() noexcept;
  std::size_t release(Entry* entry) noexcept;
  void note_driver(ProgressDriver* driver) noexcept;

  std::deque<Entry> entries_;  // a deque, because observers must not move
  std::vector<Entry*> unused_;
  std::size_t size_ = 0;

  // Done and seen by the taker, oldest first.
  Entry* ready_head_ = nullptr;
  Entry* ready_tail_ = nullptr;

  // All pending futures' driver, if it is one and the same.
  ProgressDriver* driver_ = nullptr;
  bool drivers_differ_ = false;

  // Done and not yet seen, newest first. Release on push, acquire on collecting: the entry's
  // next_done goes from the completing thread to the taker.
  std::atomic<Entry*> done_{nullptr};
  WaitSignal signal_;
};

}  // namespace poolmark::detail
