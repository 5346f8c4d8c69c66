#include "poolmark/detail/completion_queue.hpp"

namespace poolmark::detail {

CompletionQueue::~CompletionQueue() {
  for (Entry& entry : entries_) {
    if (entry.state) entry.state->detach(entry);
  }
}

void CompletionQueue::add(IntrusivePtr<FutureState> state, std::size_t tag) {
  Entry* entry = new_entry();
  entry->notify = &on_done;
  entry->queue = this;
  entry->state = std::move(state);
  entry->tag = tag;
  ++size_;
  if (entry->state->attach(*entry)) {
    note_driver(entry->state->driver());
  } else {
    append_to_ready(entry);
  }
}

bool CompletionQueue::take(std::size_t& tag, const Deadline& deadline) {
  while (ready_head_ == nullptr) {
    if (size_ == 0) return false;
    // Before collecting: a completion after this point leaves the signal raised.
    signal_.reset();
    collect_done();
    if (ready_head_ != nullptr) break;
    if (!signal_.wait(deadline, drivers_differ_ ? nullptr : driver_)) {
      collect_done();
      if (ready_head_ == nullptr) return false;
    }
  }
  Entry* first = ready_head_;
  ready_head_ = first->next_done;
  if (ready_head_ == nullptr) ready_tail_ = nullptr;
  tag = release(first);
  return true;
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

void CompletionQueue::append_to_ready(Entry* entry) noexcept {
  entry->next_done = nullptr;
  if (ready_tail_ != nullptr) {
    ready_tail_->next_done = entry;
  } else {
    ready_head_ = entry;
  }
  ready_tail_ = entry;
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
    Entry* next = oldest_first->next_done;
    append_to_ready(oldest_first);
    oldest_first = next;
  }
}

std::size_t CompletionQueue::release(Entry* entry) noexcept {
  // The completing thread may still be inside on_done(): detaching waits until it has left.
  entry->state->detach(*entry);
  entry->state = {};
  unused_.push_back(entry);
  if (--size_ == 0) {
    driver_ = nullptr;
    drivers_differ_ = false;
  }
  return entry->tag;
}

void CompletionQueue::note_driver(ProgressDriver* driver) noexcept {
  if (driver_ == nullptr && !drivers_differ_) driver_ = driver;
  if (driver == nullptr || driver != driver_) drivers_differ_ = true;
}

}  // namespace poolmark::detail
