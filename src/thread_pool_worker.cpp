#include "thread_pool_worker.hpp"

#include <fmt/core.h>
#include <pthread.h>

#include <algorithm>
#include <limits>
#include <mutex>

#include "poolmark/detail/spin.hpp"
#include "poolmark/detail/type_name.hpp"

// The workers of a thread pool: who looks for tasks, who sleeps, who wakes whom. README.md tells
// why no task is left lying.
namespace poolmark::detail {
namespace {

// Linux keeps 15 bytes of a thread's name and a terminator.
constexpr std::size_t kThreadNameBytes = 15;

// So long the lookout stays awake without a task: longer than a submitter takes that has to be
// woken itself (13 to 25 us a wake) and has a little to do before it submits the next.
constexpr std::chrono::microseconds kWatch{50};

// So often the guard looks after the lookout; what a lookout leaves lying, because a task turned
// out long after many short ones, waits for two of these at most.
constexpr std::chrono::milliseconds kRound{1};

// Less time says too little about how many tasks run in a round.
constexpr std::chrono::microseconds kShortestAssessed{200};

// From here on tasks are short enough that a lookout may run them and stay lookout.
constexpr std::size_t kShortTasksInRound = 50;

// From here on they cost less than handing them out does, and a second worker at the same queue
// makes that dearer: one alone is as fast.
constexpr std::size_t kTinyTasksInRound = 5000;

// A backlog of so much work is worth waking another worker for.
constexpr std::size_t kWorthAWake = 20;  // the part of a round: 50 us

// A worker that resigns again and again calls one that can be its guard, once in so many times.
constexpr int kResignedBeforeGuard = 4096;

// After two and more tasks in a row the worker looks for the next one a little later each time, up
// to so many pauses (about a microsecond), and finds several at once: every look takes the cache
// line of the entrance away from those who push, which costs them more than the task.
constexpr int kMostPauses = 31;

/// The number is what tells the threads apart, so it is the prefix that is cut.
void name_this_thread(const std::string& prefix, int number) {
  const std::string suffix = fmt::format("-{}", number);
  const std::string name = prefix.substr(0, kThreadNameBytes - suffix.size()) + suffix;
  pthread_setname_np(pthread_self(), name.c_str());
}

}  // namespace

bool ThreadPoolCore::Worker::of_this_thread_is_in(const ThreadPoolCore& pool) noexcept {
  const TaskStack* tasks = TaskStack::of_this_thread();
  return tasks != nullptr && &tasks->pool() == &pool;
}

// ---- the life of a thread
// ------------------------------------------------------------------------

void ThreadPoolCore::work(int number, Start start) {
  Worker self(*this);
  name_this_thread(name_prefix_, number);
  if (start == Start::kCalled) answer_call(self);
  if (!initialize_worker()) return;
  try {
    work_until_closed(self);
  } catch (...) {
    // A task called pthread_exit(), or somebody cancelled the thread. It must go on ending.
    replace_this_worker(self);
    throw;
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

void ThreadPoolCore::work_until_closed(Worker& self) {
  while (QueueEntry task = next_task(self)) {
    // Completing the task lets go of the entry.
    if (task->try_claim()) self.tasks.run(*task.release());
  }
}

void ThreadPoolCore::run_in_place(const ThreadPoolCore* pool, FutureState& task) {
  TaskStack* tasks = TaskStack::of_this_thread();
  if (tasks == nullptr || &tasks->pool() != pool || !pool->runs_in_place_) return;
  if (!tasks->may_nest() || !task.try_claim_in_place()) return;
  tasks->run(task);
  // The entry that stayed behind is like that of a cancelled task.
  tasks->pool().sweep_if_worth_it();
}

void ThreadPoolCore::replace_this_worker(Worker& self) noexcept {
  resign(self);
  try {
    std::lock_guard hold(queue_.entrance());
    --alive_;
    gate_ |= kMayGrow;
    // With nothing to do, it is the next submit that starts one.
    if (!queue_.empty()) is_calling_ = start_worker(Start::kCalled) || is_calling_;
  } catch (const std::exception& error) {
    break_pool(std::string("a task ended its thread, and no other could be started: ") +
               error.what());
  }
}

// ---- looking for tasks
// ---------------------------------------------------------------------------

QueueEntry ThreadPoolCore::next_task(Worker& self) {
  for (;;) {
    if (QueueEntry task = queue_.pop()) {
      if (lookout_.load(std::memory_order_relaxed) == &self && !may_stay_lookout()) resign(self);
      ++self.taken_in_a_row;
      return task;
    }
    leave_submitters_alone(self);
    if (QueueEntry task = keep_watch(self)) return task;
    if (!park(self)) return nullptr;
  }
}

void ThreadPoolCore::leave_submitters_alone(Worker& self) noexcept {
  if (self.taken_in_a_row > 1) {
    self.pauses = std::min(2 * self.pauses + 1, kMostPauses);
  } else {
    self.pauses /= 2;
  }
  self.taken_in_a_row = 0;
  for (int i = 0; i < self.pauses; ++i) cpu_pause();
}

QueueEntry ThreadPoolCore::keep_watch(Worker& self) noexcept {
  Worker* other = nullptr;
  lookout_.compare_exchange_strong(other, &self, std::memory_order_acquire,
                                   std::memory_order_relaxed);
  if (other != nullptr && other != &self) return nullptr;
  const auto news = [this] {
    return !queue_.empty() || is_closing_.load(std::memory_order_relaxed);
  };
  while (spin_until(news, kWatch)) {
    QueueEntry task = queue_.pop();
    if (task == nullptr && !is_closing_.load(std::memory_order_relaxed)) continue;
    if (task == nullptr || !may_stay_lookout()) resign(self);
    self.taken_in_a_row = 1;
    self.core.note_task_from(queue_.seen_pusher_cpu());
    return task;
  }
  return nullptr;
}

bool ThreadPoolCore::may_stay_lookout() noexcept {
  const std::size_t deep = deep_backlog_.load(std::memory_order_relaxed);
  return deep != 0 && queue_.size_last_seen() < deep;
}

void ThreadPoolCore::resign(Worker& self) noexcept {
  Worker* me = &self;
  if (!lookout_.compare_exchange_strong(me, nullptr, std::memory_order_relaxed)) return;
  Called called;
  std::lock_guard hold(queue_.entrance());
  if (!queue_.empty()) {
    called = call_for_the_rest();
  } else if (++self.resigned == kResignedBeforeGuard) {
    self.resigned = 0;
    if (guard_ == nullptr && parked_ != nullptr && !is_calling_) called = call();
  }
}

// ---- sleeping
// ------------------------------------------------------------------------------------

bool ThreadPoolCore::park(Worker& self) noexcept {
  {
    std::lock_guard hold(queue_.entrance());
    // As lookout still, if it is: whoever takes one of these tasks has to call for the rest.
    if (!queue_.empty()) return true;
    Worker* me = &self;
    lookout_.compare_exchange_strong(me, nullptr, std::memory_order_relaxed);
    if (closed_) return false;
    self.is_called.store(0, std::memory_order_relaxed);
    self.next_parked = parked_;
    parked_ = &self;
    gate_ |= kSleepers;
    if (guard_ == nullptr) {
      guard_ = &self;
      deep_backlog_.store(assess_tasks(), std::memory_order_relaxed);
    }
  }
  sleep_in_berth(self);
  self.core.forget();
  return true;
}

void ThreadPoolCore::sleep_in_berth(Worker& self) noexcept {
  bool guards = true;
  while (self.is_called.load(std::memory_order_acquire) == 0) {
    const Deadline round =
        guards ? Deadline(std::chrono::steady_clock::now() + kRound) : std::nullopt;
    if (!futex_wait(self.is_called, 0, round)) guards = check_on_lookout(self);
  }
  answer_call(self);
}

void ThreadPoolCore::answer_call(Worker& self) noexcept {
  Called next;
  std::lock_guard hold(queue_.entrance());
  is_calling_ = false;
  Worker* nobody = nullptr;
  if (deep_backlog_.load(std::memory_order_relaxed) != 0) {
    lookout_.compare_exchange_strong(nobody, &self, std::memory_order_relaxed);
  } else if (queue_.size() > 1) {  // one of those that wait is this worker's own
    next = call_for_the_rest();
  }
}

bool ThreadPoolCore::check_on_lookout(Worker& guard) noexcept {
  std::lock_guard hold(queue_.entrance());
  if (guard_ != &guard) return false;
  const std::size_t deep = assess_tasks();
  if (deep != 0 && queue_.size() <= deep) {
    deep_backlog_.store(deep, std::memory_order_relaxed);
    return true;
  }
  go_without_guard();
  if (!queue_.empty()) {
    unpark(guard);
    guard.is_called.store(1, std::memory_order_relaxed);  // by itself
  }
  return false;
}

void ThreadPoolCore::go_without_guard() noexcept {
  guard_ = nullptr;
  if (deep_backlog_.load(std::memory_order_relaxed) == 0) return;
  deep_backlog_.store(0, std::memory_order_relaxed);
  // The lookout may be at a task that turned out long, and nobody would look after it any more. It
  // finds that out at the end of the task. Release: the next one has to see that no task is short.
  lookout_.store(nullptr, std::memory_order_release);
}

std::size_t ThreadPoolCore::assess_tasks() noexcept {
  const auto now = std::chrono::steady_clock::now();
  const auto elapsed = now - assessed_at_;
  if (elapsed >= kShortestAssessed) {
    const std::uint64_t popped = queue_.popped();
    const std::uint64_t ran = popped - std::exchange(popped_when_assessed_, popped);
    const auto rounds = std::chrono::duration<double>(elapsed) / kRound;
    tasks_in_round_ = static_cast<std::size_t>(static_cast<double>(ran) / rounds);
    assessed_at_ = now;
  }
  if (tasks_in_round_ >= kTinyTasksInRound) return std::numeric_limits<std::size_t>::max();
  if (tasks_in_round_ >= kShortTasksInRound) return tasks_in_round_ / kWorthAWake;
  return 0;
}

// ---- waking: with the entrance held
// --------------------------------------------------------------

ThreadPoolCore::Worker* ThreadPoolCore::call_for_the_rest() noexcept {
  if (is_calling_) return nullptr;
  if (parked_ != nullptr) return call();
  try {
    is_calling_ = start_worker(Start::kCalled);
  } catch (...) {
    // No memory for a thread. Those that there are will do the work.
  }
  return nullptr;
}

ThreadPoolCore::Worker* ThreadPoolCore::call() noexcept {
  // The guard last: without it every task counts as a long one, and no lookout may be busy.
  Worker* called = parked_;
  if (called == guard_ && called->next_parked != nullptr) called = called->next_parked;
  unpark(*called);
  is_calling_ = true;
  return called;
}

void ThreadPoolCore::unpark(Worker& worker) noexcept {
  Worker** link = &parked_;
  while (*link != &worker) link = &(*link)->next_parked;
  *link = worker.next_parked;
  if (parked_ == nullptr) gate_ &= ~kSleepers;
  if (guard_ == &worker) go_without_guard();
}

}  // namespace poolmark::detail
