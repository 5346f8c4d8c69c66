#pragma once

#include <array>
#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "poolmark/detail/futex.hpp"
#include "poolmark/detail/wake_moderation.hpp"
#include "poolmark/process_pool_executor.hpp"
#include "process/bell.hpp"
#include "process/callback_runner.hpp"
#include "process/death.hpp"
#include "process/payload_store.hpp"
#include "process/task_list.hpp"
#include "process/worker.hpp"
#include "process/zygote.hpp"

namespace poolmark::detail {

/// What one hold of the pool's lock leaves to be done without it.
class Aftermath {
 public:
  /// Finished tasks, to be decoded and published.
  TaskList done;

  void wake(const std::atomic<std::uint32_t>* word) noexcept {
    if (word == nullptr) return;
    if (wake_count_ == words_.size()) wake_all();
    words_[wake_count_++] = word;
  }
  /// The workers may be gone by then: a wake on a dead address is harmless.
  void wake_all() noexcept {
    for (std::size_t i = 0; i < wake_count_; ++i) futex_wake(words_[i], 1, FutexScope::kShared);
    wake_count_ = 0;
  }
  bool empty() const noexcept { return done.empty() && wake_count_ == 0; }
  /// Whether finishing runs no code of the user's.
  bool is_plain() {
    bool plain = true;
    done.for_each([&](TaskRecord& task) { plain = plain && task.decodes_plainly; });
    return plain;
  }

 private:
  std::array<const std::atomic<std::uint32_t>*, 8> words_{};
  std::size_t wake_count_ = 0;
};

/// The body of a process pool. README.md beside this file tells the protocol; the parts are
///   pool_core.cpp      the public face: submit, cancel, shutdown
///   pool_schedule.cpp  who gets which task, and what comes back
///   pool_deaths.cpp    starting workers, their ends, and the end of the pool
///   pool_deadlines.cpp tasks that may not run for ever
///   pool_service.cpp   who watches: the service thread
///   pool_drainer.cpp   or a thread that waits
class PoolCore final : public ProcessPool {
 public:
  explicit PoolCore(const ProcessPoolOptions& options);

  void submit(TaskRecord& task) override;
  void require_known(const void* code) const override;
  bool cancel(TaskRecord& task) override;
  bool has_started(const TaskRecord& task) const noexcept override;
  SharedBlocks* large_memory() noexcept override { return is_inherited() ? nullptr : &payloads_; }
  void collect_answers() override;
  void shutdown(const ShutdownOptions& options) override;
  void stop_by_force(WorkerSignal signal) override;
  int max_workers() const noexcept override { return max_workers_; }
  std::vector<pid_t> worker_pids() override;
  std::chrono::nanoseconds worker_cpu_time() override;
  ProcessTraffic traffic() const noexcept override;
  bool is_inherited() const noexcept override;

  Outcome drive_while(const std::atomic<std::uint32_t>& word, std::uint32_t expected,
                      const Deadline& deadline) override;

 protected:
  ~PoolCore() override;

 private:
  using Clock = std::chrono::steady_clock;
  using Lock = std::unique_lock<FutexMutex>;
  using Workers = std::vector<std::unique_ptr<Worker>>;

  // Insurance against a worker that dies between taking the bell and ringing it, should the message
  // of its death be late.
  static constexpr std::chrono::milliseconds kLongestSleep{500};

  // Everything down to `after unlocking` is called with the lock held.

  void refuse_unless_open() const;
  void start_service_thread();

  // ---- scheduling ---------------------------------------------------------------------

  /// Reads what the workers have answered, sends them more, and balances.
  void collect_and_refill(Aftermath& after);
  bool collect(Worker& worker, Aftermath& after, Clock::time_point now);
  void place_backlog(Aftermath& after);
  Worker* pick_worker(const TaskRecord& task);
  bool is_sooner_done_by(const Worker& busy) const noexcept;
  void send(Worker& worker, TaskRecord& task, Aftermath& after);
  std::size_t depth() const noexcept;
  void learn_task_time(const Worker& worker, std::size_t answered, Clock::time_point now) noexcept;
  void learn_task_time(std::chrono::nanoseconds one_task) noexcept;
  void balance(Aftermath& after);
  Worker* busiest_worker() noexcept;
  Worker* idle_worker() noexcept;
  bool anything_in_flight() const noexcept;
  bool has_news() const noexcept;

  // ---- birth and death ----------------------------------------------------------------

  Worker* start_worker() noexcept;
  bool wants_another_spinner() const noexcept;
  int cpu_for_next_worker() const noexcept;
  void postpone_starts(int error) noexcept;
  void read_messages(Aftermath& after);
  void handle(const ZygoteMessage& message, Aftermath& after);
  void bury(Workers::iterator worker, const ZygoteMessage& exited, Aftermath& after);
  void return_to_backlog(TaskList&& tasks) noexcept;
  void settle_taken(TaskRecord& task, const Death& death, Aftermath& after);
  void distrust(Worker& worker, const std::string& why);
  void break_pool(const std::string& reason, Aftermath& after);
  static void fail(TaskRecord& task, std::exception_ptr error, Aftermath& after) noexcept;
  void let_workers_leave(Aftermath& after);
  Workers::iterator find_worker(std::uint64_t id) noexcept;

  // ---- deadlines of tasks -------------------------------------------------------------

  void expire_deadlines();
  void watch_deadline(Clock::time_point expires) noexcept;

  // ---- watching -----------------------------------------------------------------------

  void serve() noexcept;
  void look_after_everything(Aftermath& after);
  void sleep_as_service(Lock& lock);
  std::optional<std::chrono::nanoseconds> service_nap() const;  // none: until it is woken
  void kick_service() noexcept;
  void arm_service() noexcept;
  void take_over() noexcept;
  void hand_back(Lock& lock);
  bool let_answers_gather(Lock& lock, const Deadline& deadline);
  bool is_worker_stuck() const noexcept;
  std::chrono::nanoseconds work_before_any_runs_dry() const noexcept;
  /// The drainer, kDrainer or kResting. Not beyond when a task may be moved.
  void sleep_as(PoolSleeper who, Clock::time_point until, const Deadline& deadline, Lock& lock);
  bool spin_for_news(Lock& lock);
  void wake_drainer() noexcept;
  void note_activity() noexcept { ++activity_; }
  void release_resources(Lock& lock) noexcept;

  /// After unlocking: wakes workers, decodes answers, publishes, and hands callbacks to
  /// their thread. Locks again at the end.
  void finish(Aftermath& after, Lock& lock) noexcept;

  // ---- set once -----------------------------------------------------------------------

  const int max_workers_;
  const ProcessPoolOptions options_;
  const std::uint32_t fork_generation_;
  std::size_t ring_bytes_ = 0;
  std::shared_ptr<const KnownCode> known_code_;  // to the workers

  // ---- guarded by mutex_ --------------------------------------------------------------

  mutable FutexMutex mutex_;
  std::optional<Bell> bell_;  // these three until the end of the pool
  std::optional<Zygote> zygote_;
  OwnedFd epoll_;

  TaskList backlog_;
  Workers workers_;
  std::uint64_t next_worker_id_ = 0;
  std::optional<std::chrono::nanoseconds> task_time_;  // about how long tasks take, once known
  std::size_t submits_since_look_ = 0;
  Clock::time_point watched_since_{};  // before that it has rested: nobody saw when tasks ended
  WakeModeration moderation_;          // the drainer's
  bool woke_worker_ = false;           // since a thread last waited for news
  std::optional<Clock::time_point> balance_at_;  // when a waiting task may be moved

  std::optional<Clock::time_point> deadline_at_;  // when a task may be past its deadline

  int finishing_ = 0;    // threads that publish what they took off the lists
  bool closed_ = false;  // shutdown() was called
  bool ended_ = false;   // no worker is left and none will be
  // terminate_workers() or kill_workers() was called: no worker is started any more.
  bool stopped_by_force_ = false;
  std::string broken_;  // why, once the pool is broken
  int last_start_error_ = 0;
  int failed_starts_ = 0;           // since the last start that worked
  int early_deaths_ = 0;            // since the last answer
  Clock::time_point next_start_{};  // not before
  std::chrono::nanoseconds cpu_time_of_dead_{0};
  ProcessTraffic traffic_;
  std::vector<pid_t> orphans_;  // workers whose zygote has died

  // Who watches. At most one thread is the drainer; the service thread is always there behind it.
  bool has_drainer_ = false;
  bool drainer_sleeps_ = false;
  bool service_sleeps_ = false;
  bool service_is_armed_ = false;         // the bell wakes it
  bool service_looks_by_itself_ = false;  // it sleeps for a bounded time: no bell needed
  bool service_sleeps_soundly_ = false;   // it sleeps without an alarm clock
  Clock::time_point service_wakes_at_;    // at the latest, if it sleeps
  std::uint64_t activity_ = 0;       // submits and waits: threads that look at the rings anyway
  std::uint64_t activity_seen_ = 0;  // by the service thread, when it last fell asleep

  std::thread service_;
  CallbackRunner callbacks_;  // these two have locks of their own
  PayloadStore payloads_;
  std::mutex joining_;  // guards the joins; never taken with mutex_ held
};

}  // namespace poolmark::detail
