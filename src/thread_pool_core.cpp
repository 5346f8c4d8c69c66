#include "poolmark/detail/thread_pool_core.hpp"

#include <fmt/core.h>
#include <pthread.h>

#include "poolmark/detail/fork_guard.hpp"
#include "poolmark/detail/type_name.hpp"
#include "poolmark/errors.hpp"

namespace poolmark::detail {
namespace {

// Sweeping costs a walk along the queue, so it waits for many entries, and for most of the queue.
constexpr std::size_t kDiscardedBeforeSweep = 64;

// Linux keeps 15 bytes of a thread's name and a terminator.
constexpr std::size_t kThreadNameBytes = 15;

std::string default_prefix() {
  static std::atomic<int> pools{0};  // relaxed: only uniqueness matters
  return fmt::format("pool{}", pools.fetch_add(1, std::memory_order_relaxed));
}

/// The number is what tells the threads apart, so it is the prefix that is cut.
void name_this_thread(const std::string& prefix, int number) {
  const std::string suffix = fmt::format("-{}", number);
  const std::string name = prefix.substr(0, kThreadNameBytes - suffix.size()) + suffix;
  pthread_setname_np(pthread_self(), name.c_str());
}

// The pool whose worker this thread is.
thread_local const ThreadPoolCore* pool_of_this_thread = nullptr;

}  // namespace

// ---- TaskQueue
// -----------------------------------------------------------------------------------

void ThreadPoolCore::TaskQueue::swap(TaskQueue& other) noexcept {
  std::swap(head_, other.head_);
  std::swap(tail_, other.tail_);
  std::swap(size_, other.size_);
}

void ThreadPoolCore::TaskQueue::push(IntrusivePtr<FutureState> task) noexcept {
  FutureState* entry = task.release();
  entry->queue_next = nullptr;
  (tail_ == nullptr ? head_ : tail_->queue_next) = entry;
  tail_ = entry;
  ++size_;
}

IntrusivePtr<FutureState> ThreadPoolCore::TaskQueue::pop() noexcept {
  FutureState* entry = head_;
  head_ = entry->queue_next;
  if (head_ == nullptr) tail_ = nullptr;
  --size_;
  return IntrusivePtr<FutureState>::adopt(entry);
}

// ---- submitting
// ----------------------------------------------------------------------------------

ThreadPoolCore::ThreadPoolCore(ThreadPoolOptions options)
    : max_workers_(checked_max_workers(options.max_workers)),
      name_prefix_(options.thread_name_prefix.empty() ? default_prefix()
                                                      : std::move(options.thread_name_prefix)),
      initializer_(std::move(options.initializer)),
      fork_generation_(fork_generation()) {}

ThreadPoolCore::~ThreadPoolCore() {
  // Nobody waited for them, and the last reference was the last thread's own.
  for (std::thread& thread : threads_) thread.detach();
}

bool ThreadPoolCore::is_inherited() const noexcept { return fork_generation_ != fork_generation(); }

void ThreadPoolCore::refuse_unless_open() const {
  if (!broken_.empty()) throw BrokenThreadPool(broken_);
  if (closed_) throw ShutdownError("submit() after shutdown(): the thread pool takes no more work");
}

void ThreadPoolCore::enqueue(IntrusivePtr<FutureState> task) {
  if (is_inherited()) {
    throw DeadlockError(
        "this thread pool was made before a fork, and its threads live in the parent process only: "
        "make a pool of its own in this process");
  }
  bool wake = false;
  {
    std::lock_guard lock(mutex_);
    refuse_unless_open();
    wake = wake_one();
    if (!wake) start_worker();
    queue_.push(std::move(task));
  }
  if (wake) futex_wake(&calls_, 1);
}

bool ThreadPoolCore::wake_one() noexcept {
  if (idle_ == 0) return false;
  --idle_;
  ++called_;
  calls_.fetch_add(1, std::memory_order_relaxed);
  return true;
}

void ThreadPoolCore::start_worker() {
  if (alive_ == max_workers_) return;
  try {
    threads_.emplace_back(
        [self = IntrusivePtr<ThreadPoolCore>(this), number = started_] { self->work(number); });
    ++started_;
    ++alive_;
  } catch (const std::system_error& error) {
    // With one thread the work gets done, only later.
    if (alive_ > 0) return;
    throw std::system_error(error.code(), "the thread pool cannot start a thread, and has none");
  }
}

void ThreadPoolCore::note_discarded() noexcept {
  // In a forked child the mutex may be held for ever by a thread that is not here.
  if (is_inherited()) return;
  TaskQueue swept;  // outlives the lock
  std::lock_guard lock(mutex_);
  if (++discarded_ < kDiscardedBeforeSweep || discarded_ * 2 < queue_.size()) return;
  TaskQueue kept;
  while (!queue_.empty()) {
    auto task = queue_.pop();
    (is_done(task->phase()) ? swept : kept).push(std::move(task));
  }
  queue_ = std::move(kept);
  discarded_ = 0;
}

// ---- the workers
// ---------------------------------------------------------------------------------

void ThreadPoolCore::work(int number) {
  pool_of_this_thread = this;
  name_this_thread(name_prefix_, number);
  if (!initialize_worker()) return;
  try {
    work_until_closed();
  } catch (...) {
    // A task called pthread_exit(), or somebody cancelled the thread. It must go on ending.
    replace_this_worker();
    throw;
  }
}

void ThreadPoolCore::work_until_closed() {
  while (auto task = next_task()) {
    if (task->try_claim()) task->run();
  }
}

void ThreadPoolCore::replace_this_worker() noexcept {
  try {
    std::lock_guard lock(mutex_);
    --alive_;
    // With nothing to do, it is the next submit that starts one.
    if (!queue_.empty()) start_worker();
  } catch (const std::exception& error) {
    break_pool(std::string("a task ended its thread, and no other could be started: ") +
               error.what());
  }
}

bool ThreadPoolCore::initialize_worker() {
  if (!initializer_) return true;
  try {
    initializer_();
    return true;
  } catch (...) {
    const std::exception_ptr error = std::current_exception();
    if (!error) {
      break_pool("the initializer of a worker thread ended the thread");
      throw;  // the end of the thread, no exception of C++: see CallTask::run()
    }
    break_pool("the initializer of a worker thread threw " + describe_exception(error));
    return false;
  }
}

IntrusivePtr<FutureState> ThreadPoolCore::next_task() {
  std::unique_lock lock(mutex_);
  while (queue_.empty()) {
    if (closed_) return {};
    await_work(lock);
  }
  return queue_.pop();
}

void ThreadPoolCore::await_work(std::unique_lock<std::mutex>& lock) {
  ++idle_;
  while (called_ == 0 && !closed_) {
    const std::uint32_t seen = calls_.load(std::memory_order_relaxed);
    lock.unlock();
    futex_wait(calls_, seen, std::nullopt);
    lock.lock();
  }
  // A call took this worker, or another one that woke later, off the idle ones.
  --(called_ > 0 ? called_ : idle_);
}

// ---- the end
// -------------------------------------------------------------------------------------

void ThreadPoolCore::shutdown(const ShutdownOptions& options) {
  if (is_inherited()) return;
  close(options.cancel_futures);
  if (options.wait && pool_of_this_thread != this) join_workers();
}

void ThreadPoolCore::close(bool cancel_futures) {
  TaskQueue cancelled;
  {
    std::lock_guard lock(mutex_);
    closed_ = true;
    if (cancel_futures) cancelled = std::exchange(queue_, TaskQueue());
    calls_.fetch_add(1, std::memory_order_relaxed);
  }
  futex_wake(&calls_, kWakeAll);
  // Cancelling runs callbacks, so it comes after the lock.
  while (!cancelled.empty()) cancelled.pop()->try_cancel();
}

void ThreadPoolCore::break_pool(const std::string& reason) {
  TaskQueue pending;
  {
    std::lock_guard lock(mutex_);
    if (broken_.empty()) broken_ = reason;
    pending = std::exchange(queue_, TaskQueue());
    closed_ = true;
    calls_.fetch_add(1, std::memory_order_relaxed);
  }
  futex_wake(&calls_, kWakeAll);
  // An exception object of its own for each: threads that rethrow one object share it.
  while (!pending.empty()) pending.pop()->fail(std::make_exception_ptr(BrokenThreadPool(reason)));
}

void ThreadPoolCore::join_workers() {
  std::lock_guard joining(joining_);
  for (;;) {
    std::vector<std::thread> ending;
    {
      std::lock_guard lock(mutex_);
      ending.swap(threads_);
    }
    // closed_ is set, so the only threads that come still are those that replace one of these.
    if (ending.empty()) return;
    for (std::thread& thread : ending) thread.join();
  }
}

}  // namespace poolmark::detail
