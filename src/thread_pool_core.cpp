#include "poolmark/detail/thread_pool_core.hpp"

#include <fmt/core.h>

#include "poolmark/detail/program_end.hpp"
#include "poolmark/errors.hpp"
#include "thread_pool_worker.hpp"

// What callers see of a thread pool: tasks go in, and the pool ends. Its workers are in
// thread_pool_worker.cpp.
namespace poolmark::detail {
namespace {

// Sweeping costs a walk along the queue, so it waits for many entries, and for most of the queue.
constexpr std::size_t kDiscardedBeforeSweep = 64;

std::string default_prefix() {
  static std::atomic<int> pools{0};  // relaxed: only uniqueness matters
  return fmt::format("pool{}", pools.fetch_add(1, std::memory_order_relaxed));
}

// All thread pools of the process. A task does not count as an owner of its pool; what happens to
// it after it left the queue asks here whether the pool is still there.
constinit FutexMutex pools_mutex;
constinit ThreadPoolCore* all_pools = nullptr;

}  // namespace

ThreadPoolCore::ThreadPoolCore(ThreadPoolOptions options)
    : max_workers_(checked_max_workers(options.max_workers)),
      name_prefix_(options.thread_name_prefix.empty() ? default_prefix()
                                                      : std::move(options.thread_name_prefix)),
      initializer_(std::move(options.initializer)),
      runs_in_place_(options.run_in_place),
      fork_generation_(fork_generation()) {
  notice_the_end_of_the_program();
  std::lock_guard hold(pools_mutex);
  next_pool_ = all_pools;
  if (all_pools != nullptr) all_pools->previous_pool_ = this;
  all_pools = this;
}

ThreadPoolCore::~ThreadPoolCore() {
  {
    std::lock_guard hold(pools_mutex);
    (previous_pool_ != nullptr ? previous_pool_->next_pool_ : all_pools) = next_pool_;
    if (next_pool_ != nullptr) next_pool_->previous_pool_ = previous_pool_;
  }
  // Nobody waited for them, and the last reference was the last thread's own.
  for (std::thread& thread : threads_) thread.detach();
}

// ---- tasks go in
// ---------------------------------------------------------------------------------

void ThreadPoolCore::enqueue(QueueEntry task) {
  if (is_inherited()) {
    throw DeadlockError(
        "this thread pool was made before a fork, and its threads live in the parent process only: "
        "make a pool of its own in this process");
  }
  refuse_if_the_program_ends();
  Called called;
  std::lock_guard hold(queue_.entrance());
  if (gate_ != 0) called = at_the_gate();
  queue_.push(std::move(task));
}

ThreadPoolCore::Worker* ThreadPoolCore::at_the_gate() {
  if ((gate_ & kRefuses) != 0) refuse_unless_open();
  const bool watched = lookout_.load(std::memory_order_relaxed) != nullptr;
  // Whoever is awake takes this task, and calls for the rest if it leaves any. While tasks are
  // short it may take its time, which saves this thread a look at what the other writes.
  if (watched && (deep_backlog_.load(std::memory_order_relaxed) != 0 || queue_.empty())) {
    return nullptr;
  }
  if (parked_ != nullptr) return watched || is_calling_ ? nullptr : call();
  start_worker(Start::kForPush);
  return nullptr;
}

void ThreadPoolCore::refuse_unless_open() const {
  if (!broken_.empty()) throw BrokenThreadPool(broken_);
  if (closed_) throw ShutdownError("submit() after shutdown(): the thread pool takes no more work");
}

bool ThreadPoolCore::start_worker(Start start) {
  if (alive_ == max_workers_) return false;
  try {
    threads_.emplace_back([self = IntrusivePtr<ThreadPoolCore>(this), number = started_, start] {
      self->work(number, start);
    });
    ++started_;
    if (++alive_ == max_workers_) gate_ &= ~kMayGrow;
    return true;
  } catch (const std::system_error& error) {
    // With one thread the work gets done, only later.
    if (alive_ > 0) return false;
    throw std::system_error(error.code(), "the thread pool cannot start a thread, and has none");
  }
}

void ThreadPoolCore::note_discarded(const ThreadPoolCore* pool) noexcept {
  IntrusivePtr<ThreadPoolCore> pinned;
  {
    std::lock_guard hold(pools_mutex);
    ThreadPoolCore* found = all_pools;
    while (found != nullptr && found != pool) found = found->next_pool_;
    // One that is about to be destroyed waits for this lock, and may not be revived.
    if (found == nullptr || !found->try_add_ref()) return;
    pinned = IntrusivePtr<ThreadPoolCore>::adopt(found);
  }
  pinned->sweep_if_worth_it();
}

void ThreadPoolCore::sweep_if_worth_it() noexcept {
  const std::size_t discarded = discarded_.fetch_add(1, std::memory_order_relaxed) + 1;
  if (discarded < kDiscardedBeforeSweep || discarded * 2 < queue_.size()) return;
  discarded_.store(0, std::memory_order_relaxed);
  queue_.sweep();
}

// ---- the end
// -------------------------------------------------------------------------------------

void ThreadPoolCore::shutdown(const ShutdownOptions& options) {
  if (is_inherited()) return;
  close(options.cancel_futures);
  if (options.wait && !Worker::of_this_thread_is_in(*this)) join_workers();
}

void ThreadPoolCore::refuse_from_now_on(const std::string& broken) {
  std::lock_guard hold(queue_.entrance());
  if (broken_.empty()) broken_ = broken;
  closed_ = true;
  gate_ |= kRefuses;
  is_closing_.store(true, std::memory_order_relaxed);
  while (parked_ != nullptr) Called one(call());
}

void ThreadPoolCore::close(bool cancel_futures) {
  if (cancel_futures) is_cancelling_.store(true, std::memory_order_relaxed);
  refuse_from_now_on({});
  if (!cancel_futures) return;
  // Cancelling runs callbacks, so it is done under no lock.
  while (const QueueEntry task = queue_.pop()) task->try_cancel();
}

void ThreadPoolCore::break_pool(const std::string& reason) {
  refuse_from_now_on(reason);
  while (QueueEntry task = queue_.pop()) {
    // It may be running in place.
    if (!task->try_claim()) continue;
    // An exception object of its own for each: threads that rethrow one object share it.
    if (task->fail(std::make_exception_ptr(BrokenThreadPool(reason)))) task.release();
  }
}

void ThreadPoolCore::join_workers() {
  std::lock_guard joining(joining_);
  for (;;) {
    std::vector<std::thread> ending;
    {
      std::lock_guard hold(queue_.entrance());
      ending.swap(threads_);
    }
    // closed_ is set, so the only threads that come still are those that replace one of these.
    if (ending.empty()) return;
    for (std::thread& thread : ending) thread.join();
  }
}

}  // namespace poolmark::detail
