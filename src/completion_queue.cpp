#include "poolmark/detail/completion_queue.hpp"

#include <algorithm>

#include "deadlock.hpp"

namespace poolmark::detail {

CompletionQueue::~CompletionQueue() {
  for (Entry& entry : entries_) {
    if (entry.state) entry.state->detach(entry);
  }
}

void CompletionQueue::make_room() {
  ready_.erase(ready_.begin(), ready_.begin() + static_cast<std::ptrdiff_t>(taken_));
  taken_ = 0;
  // Twice what is needed: the next time comes after as many more, so a future costs O(1).
  constexpr std::size_t kLeast = 16;
  ready_.reserve(std::max(kLeast, 2 * (ready_.size() + pending_ + 1)));
}

void CompletionQueue::follow(const IntrusivePtr<FutureState>& state, std::size_t tag) {
  Entry* entry = new_entry();
  entry->notify = &on_done;
  entry->queue = this;
  entry->state = state;
  entry->tag = tag;
  if (state->attach(*entry)) {
    note_driver(state->driver());
    ++pending_;
  } else {
    entry->state = {};
    unused_.push_back(entry);
    push_done(tag);
  }
}

bool CompletionQueue::await_ready(const Deadline& deadline) {
  while (size_ != 0) {
    // Before collecting: a completion after this point leaves the signal raised.
    signal_.reset();
    collect_done();
    if (taken_ < ready_.size()) return true;
    refuse_if_inherited();
    // A driver brings the results in this very thread, and moderates by itself.
    if (!is_driven() && moderation_.let_results_gather(pending_, deadline)) {
      collect_done();
      if (taken_ < ready_.size()) return true;
    }
    if (!sleep_until_news(deadline)) {
      collect_done();
      return taken_ < ready_.size();
    }
  }
  return false;
}

void CompletionQueue::refuse_if_inherited() const {
  if (fork_generation_ == fork_generation()) return;
  for (const Entry& entry : entries_) {
    if (entry.state) entry.state->refuse_if_inherited();
  }
}

bool CompletionQueue::sleep_until_news(const Deadline& deadline) {
  ProgressDriver* driver = drivers_differ_ ? nullptr : driver_;
  const Awaited any{
      .at = &awaited_at, .waiter = this, .count = entries_.size(), .need = Awaited::Need::kAny};
  const BlockedWorker blocked(any, !deadline && driver == nullptr);
  return signal_.wait(deadline, driver);
}

FutureState* CompletionQueue::awaited_at(void* queue, std::size_t i) noexcept {
  return static_cast<CompletionQueue*>(queue)->entries_[i].state.get();
}

const std::atomic<std::uint32_t>* CompletionQueue::on_done(Observer& observer, Phase) noexcept {
  auto& entry = static_cast<Entry&>(observer);
  CompletionQueue& queue = *entry.queue;
  Entry* newest = queue.done_.load(std::memory_order_relaxed);
  do {
    entry.next_done = newest;
  } while (!queue.done_.compare_exchange_weak(newest, &entry, std::memory_order_release,
                                              std::memory_order_relaxed));
  return queue.signal_.raise();
}

CompletionQueue::Entry* CompletionQueue::new_entry() {
  if (unused_.empty()) return &entries_.emplace_back();
  Entry* entry = unused_.back();
  unused_.pop_back();
  return entry;
}

void CompletionQueue::collect_done() noexcept {
  Entry* newest = done_.exchange(nullptr, std::memory_order_acquire);
  Entry* oldest_first = nullptr;
  while (newest != nullptr) {
    Entry* older = newest->next_done;
    newest->next_done = oldest_first;
    oldest_first = newest;
    newest = older;
  }
  while (oldest_first != nullptr) {
    Entry& entry = *oldest_first;
    oldest_first = entry.next_done;
    ready_.push_back(entry.tag);
    release(entry);
  }
}

void CompletionQueue::release(Entry& entry) noexcept {
  // The completing thread may still be inside on_done(): detaching waits until it has left.
  entry.state->detach(entry);
  entry.state = {};
  unused_.push_back(&entry);
  moderation_.count(1);
  if (--pending_ == 0) {
    driver_ = nullptr;
    drivers_differ_ = false;
  }
}

void CompletionQueue::note_driver(ProgressDriver* driver) noexcept {
  if (driver_ == nullptr && !drivers_differ_) driver_ = driver;
  if (driver == nullptr || driver != driver_) drivers_differ_ = true;
}

}  // namespace poolmark::detail
