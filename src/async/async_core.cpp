#include "poolmark/detail/async_core.hpp"

#include <fmt/core.h>
#include <pthread.h>

#include <cstdio>
#include <limits>
#include <set>
#include <stdexcept>
#include <system_error>
#include <utility>

#include "poolmark/detail/program_end.hpp"
#include "poolmark/errors.hpp"

namespace poolmark::detail {
namespace {

// Sweeping costs a walk along the queue, so it waits for many entries, and for most of the queue.
constexpr std::size_t kDiscardedBeforeSweep = 64;

// So long the loop begins task after task before timers and descriptors get a turn.
constexpr std::chrono::milliseconds kTurn{1};

// Linux keeps 15 bytes of a thread's name and a terminator.
constexpr std::size_t kThreadNameBytes = 15;

std::string default_name() {
  static std::atomic<int> executors{0};  // relaxed: only uniqueness matters
  return fmt::format("async{}", executors.fetch_add(1, std::memory_order_relaxed));
}

/// Writes a line for each callable, the first time.
std::function<void(const SlowCallback&)> writer_of_slow_callbacks(std::string executor) {
  return [executor = std::move(executor),
          told = std::set<std::string>()](const SlowCallback& slow) mutable {
    if (!told.insert(slow.name).second) return;
    using Milliseconds = std::chrono::duration<double, std::milli>;
    fmt::print(stderr,
               "poolmark: {} kept the event loop of {} from everything else for {:.0f} ms. Give a "
               "call that blocks to a ThreadPoolExecutor, and co_await its future.\n",
               slow.name, executor, Milliseconds(slow.duration).count());
  };
}

/// std::invalid_argument if it is out of range.
int checked_max_concurrency(const std::optional<int>& requested) {
  constexpr int kMost = std::numeric_limits<int>::max();
  if (requested && *requested < 1) {
    throw std::invalid_argument(fmt::format(
        "max_concurrency is {}: it must be from 1 to {}, or none for no bound", *requested, kMost));
  }
  return requested.value_or(kMost);
}

/// The same.
std::chrono::nanoseconds checked_slow_callback_duration(std::chrono::nanoseconds requested) {
  if (requested.count() > 0) return requested;
  throw std::invalid_argument(
      "slow_callback_duration must be longer than nothing: the longest duration turns it off");
}

}  // namespace

AsyncCore::AsyncCore(AsyncOptions options)
    : max_concurrency_(checked_max_concurrency(options.max_concurrency)),
      thread_name_(options.thread_name.empty() ? default_name() : std::move(options.thread_name)),
      fork_generation_(fork_generation()),
      loop_(checked_slow_callback_duration(options.slow_callback_duration),
            options.on_slow_callback ? std::move(options.on_slow_callback)
                                     : writer_of_slow_callbacks(thread_name_)) {
  notice_the_end_of_the_program();
}

AsyncCore::~AsyncCore() {
  // Nobody waited for it, and the last reference was its own.
  if (thread_.joinable()) thread_.detach();
}

// ---- tasks go in
// ---------------------------------------------------------------------------------

void AsyncCore::enqueue(QueueEntry task) {
  if (is_inherited()) {
    throw DeadlockError(
        "this async executor was made before a fork, and its thread lives in the parent process "
        "only: make an executor of its own in this process");
  }
  refuse_if_the_program_ends();
  std::lock_guard hold(queue_.entrance());
  if (closed_) {
    throw ShutdownError("submit() after shutdown(): the async executor takes no more work");
  }
  if (!thread_.joinable()) {
    thread_ = std::thread([self = IntrusivePtr<AsyncCore>(this)] { self->run_loop(); });
  }
  queue_.push(std::move(task));
  ask_loop_to_look();
}

void AsyncCore::ask_loop_to_look() noexcept {
  if (!std::exchange(is_asked_, true)) loop_.send(*this);
}

void AsyncCore::note_discarded() noexcept {
  const std::size_t discarded = discarded_.fetch_add(1, std::memory_order_relaxed) + 1;
  if (discarded < kDiscardedBeforeSweep || discarded * 2 < queue_.size()) return;
  discarded_.store(0, std::memory_order_relaxed);
  queue_.sweep();
}

void AsyncCore::refuse_to_block() const {
  if (EventLoop::of_this_thread() != &loop_) return;
  throw DeadlockError(
      "a task of an async executor waits for a future of the same executor, and keeps its only "
      "thread by that: co_await the future instead");
}

// ---- the loop's thread
// ---------------------------------------------------------------------------

void AsyncCore::run_loop() {
  pthread_setname_np(pthread_self(), thread_name_.substr(0, kThreadNameBytes).c_str());
  loop_.run();
}

void AsyncCore::deliver() noexcept {
  {
    std::lock_guard hold(queue_.entrance());
    is_asked_ = false;
  }
  begin_tasks();
}

void AsyncCore::begin_tasks() noexcept {
  is_beginning_ = true;
  const auto until = EventLoop::Clock::now() + kTurn;
  while (begun_ < max_concurrency_) {
    QueueEntry task = queue_.pop();
    if (!task) break;
    ++begun_;
    task.release()->run();
    if (EventLoop::Clock::now() >= until) break;
  }
  is_beginning_ = false;
  look_further();
}

void AsyncCore::look_further() noexcept {
  std::lock_guard hold(queue_.entrance());
  if (!queue_.empty()) {
    if (begun_ < max_concurrency_) ask_loop_to_look();
  } else if (closed_ && begun_ == 0) {
    loop_.end();
  }
}

void AsyncCore::note_ended() noexcept {
  --begun_;
  // Not here and now: the turn of the one that has ended would be blamed for what the next one
  // does.
  if (!is_beginning_) look_further();
}

// ---- the end
// -------------------------------------------------------------------------------------

void AsyncCore::shutdown(const ShutdownOptions& options) {
  if (is_inherited()) return;
  close(options.cancel_futures);
  if (options.wait && EventLoop::of_this_thread() != &loop_) join_thread();
}

void AsyncCore::close(bool cancel_futures) {
  if (cancel_futures) is_cancelling_.store(true, std::memory_order_relaxed);
  {
    std::lock_guard hold(queue_.entrance());
    closed_ = true;
  }
  // Cancelling runs callbacks, so it is done under no lock.
  while (cancel_futures) {
    const QueueEntry task = queue_.pop();
    if (!task) break;
    task->try_cancel();
  }
  std::lock_guard hold(queue_.entrance());
  if (thread_.joinable()) ask_loop_to_look();
}

void AsyncCore::join_thread() {
  std::lock_guard joining(joining_);
  std::thread ending;
  {
    std::lock_guard hold(queue_.entrance());
    ending.swap(thread_);
  }
  if (ending.joinable()) ending.join();
}

}  // namespace poolmark::detail
