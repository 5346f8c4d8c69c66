#pragma once

#include <sys/types.h>

#include <atomic>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "poolmark/detail/map_column_source.hpp"
#include "poolmark/detail/process_task.hpp"
#include "poolmark/detail/program_end.hpp"
#include "poolmark/executor.hpp"
#include "poolmark/map.hpp"
#include "poolmark/task_options.hpp"
#include "poolmark/wire.hpp"

namespace poolmark {

/// Where workers come from. They are always forked by a zygote: a process of one thread, so that no
/// lock of another thread is ever copied in its locked state.
enum class StartMethod {
  /// The pool forks a zygote of its own when it is made: workers see the globals as they are then.
  /// In a process that already has threads this first fork is allowed, and warned of once.
  PoolZygote,
  /// The zygote made by start_zygote() forks it: workers see the globals as they were there.
  ProcessZygote,
};

/// What the pool does when a worker dies and was not told to.
enum class OnWorkerDeath {
  /// The task it ran fails with WorkerDied; everything else goes on in other workers.
  Replace,
  /// CPython's rule: every pending future fails with BrokenProcessPool, and so do later submits.
  BreakPool,
};

/// Runs first in every worker. Obeys the rules of tasks: a function, or a closure of plain values.
class ProcessInitializer {
 public:
  ProcessInitializer() = default;

  template <class F>
    requires(!std::same_as<std::decay_t<F>, ProcessInitializer> && std::invocable<std::decay_t<F>>)
  ProcessInitializer(F&& function) {  // NOLINT(google-explicit-constructor): an option reads better
    auto bytes = std::make_shared<detail::Bytes>();
    WireWriter to(*bytes);
    thunk_ = detail::put_call<void>(to, static_cast<const std::decay_t<F>&>(function));
    bytes_ = std::move(bytes);
  }

  explicit operator bool() const noexcept { return thunk_ != nullptr; }
  detail::CallThunk thunk() const noexcept { return thunk_; }
  const detail::Bytes& bytes() const noexcept { return *bytes_; }

 private:
  detail::CallThunk thunk_ = nullptr;
  std::shared_ptr<const detail::Bytes> bytes_;  // shared, so that options can be copied
};

struct ProcessPoolOptions {
  /// 1 to kMaxWorkersLimit; none: one a usable CPU.
  std::optional<int> max_workers = {};
  /// What ps and top show for a worker; Linux keeps 15 bytes.
  std::string process_name_prefix = {};
  /// If it throws, or the worker ends in it, the pool is broken: pending futures and later submits
  /// get BrokenProcessPool with its text.
  ProcessInitializer initializer = {};
  /// A worker ends after so many tasks and is replaced; none: it lives as long as the pool. At
  /// least 1.
  std::optional<int> max_tasks_per_child = {};
  StartMethod start_method = StartMethod::PoolZygote;
  OnWorkerDeath on_worker_death = OnWorkerDeath::Replace;
  /// With OnWorkerDeath::Replace: how often a task whose worker died is run again before it fails
  /// with WorkerDied. Only for tasks that may safely run twice. At least 0.
  int retries_after_worker_death = 0;
  /// With max_tasks_per_child: each worker ends up to so many tasks earlier, at random, so that not
  /// all are replaced at once. 0 to max_tasks_per_child - 1.
  int max_tasks_jitter = 0;
  /// How many bytes of memory of its own a worker may have (RLIMIT_DATA), what the program had when
  /// the zygote was made included. A task that asks for more gets std::bad_alloc; arguments that do
  /// not fit end the worker, which is WorkerDied. None: as much as this process may.
  std::optional<std::size_t> memory_limit = {};
  /// CPUs to bind workers to, one each: a new worker gets the one that the fewest living workers of
  /// this pool have, the first of these if there are several. Each must be one that the thread that
  /// makes the pool may use. Empty: workers run where this process may.
  std::vector<int> cpu_affinity = {};
};

/// What tasks brought to their workers and back, in bytes of the serialised values.
using ProcessTraffic = detail::ProcessTraffic;

/// In a worker: how many workers its pool had started before it. Tells workers apart, replacements
/// too, where a seed or a file name must differ: all workers are copies of one process, with one
/// state of std::rand() and of every generator made before. (std::random_device differs by itself.)
/// None in a process that is no worker.
std::optional<std::uint64_t> worker_number() noexcept;

/// Makes the zygote that StartMethod::ProcessZygote needs. Call it first in main, before any thread
/// is started and after the globals that tasks read are set; calling it again does nothing. Throws
/// std::system_error if it cannot be forked.
void start_zygote();

/// Runs tasks in a pool of processes.
/// "ProcessPoolExecutor" of Python's concurrent.futures documentation is the source of the rules;
/// what differs is said where it does.
///
/// Callables, arguments and results cross between processes as poolmark::Wire says, and what cannot
/// cross is refused at compile time. Tasks run in copies of this program's memory: what they change
/// is seen by later tasks of the same worker at most. A captured pointer, or `this`, points to
/// nothing useful there. Code of a library that was loaded after the zygote was made is unknown to
/// the workers: submit() and map() refuse a plain function that lies there, submit() also a
/// callable of a type. (Functions among the arguments are not looked at.)
///
/// Each value is copied into the worker and each result out of it; large calls cross in memory
/// files that are kept for a second after the last task. A SharedBuffer is not copied.
///
/// A worker that dies (a signal, exit() in a task) costs the task it ran, which fails with
/// WorkerDied; CPython breaks the whole pool. A task never runs twice unless
/// retries_after_worker_death allows it. If this process dies, however it dies, all its workers are
/// killed. A future's running() is true only once a worker has taken the task, and until then
/// cancel() succeeds (CPython calls some waiting tasks running).
///
/// Ctrl-C is the main process's to answer: workers stand in process groups of their own and ignore
/// SIGINT. A main process that dies of it takes them along; one that handles it decides itself, and
/// they go on.
///
/// In a forked child, a worker included, the pool is inert: submit() throws DeadlockError and the
/// destructor does nothing.
class ProcessPoolExecutor : public MapMember<ProcessPoolExecutor> {
 public:
  /// A copyable way to submit that stays safe when the executor is gone: ShutdownError then.
  class Submitter {
   public:
    static constexpr bool kSharesMemory = false;
    static constexpr bool kHasMapSource = true;

    template <class F, class... Args>
    Future<task_result_t<F, Args...>> submit(F&& f, Args&&... args) const {
      return send(std::chrono::nanoseconds(0), f, args...);
    }
    template <class F, class... Args>
    Future<task_result_t<F, Args...>> submit(const TaskOptions& options, F&& f,
                                             Args&&... args) const {
      return send(detail::checked_deadline(options), f, args...);
    }

    int max_workers() const noexcept { return pool_->max_workers(); }
    /// Where the work of a map comes from: copies of elements, in columns.
    template <class F, class... Views>
    auto map_source(F function, Views... views) const {
      return detail::column_source(*this, std::move(function), std::move(views)...);
    }
    /// Throws std::invalid_argument unless the workers have this code at this address.
    void require_known(const void* code) const { pool_->require_known(code); }
    /// Completes the futures whose results have come, unless a thread does so already that waits.
    void collect_answers() const { pool_->collect_answers(); }

   private:
    friend class ProcessPoolExecutor;
    explicit Submitter(detail::IntrusivePtr<detail::ProcessPool> pool) : pool_(std::move(pool)) {}

    /// Copies cross, so what is given need not be moved. `deadline`: 0 for none.
    template <class F, class... Args>
    Future<task_result_t<F, Args...>> send(std::chrono::nanoseconds deadline, F& f,
                                           Args&... args) const;

    detail::IntrusivePtr<detail::ProcessPool> pool_;
  };

  /// Forks or asks for the pool's zygote; workers start on demand. std::invalid_argument if an
  /// option is out of range, std::logic_error for StartMethod::ProcessZygote without
  /// start_zygote(), std::system_error if the system refuses a process, memory or descriptors.
  explicit ProcessPoolExecutor(const ProcessPoolOptions& options = {});
  explicit ProcessPoolExecutor(int max_workers);
  ProcessPoolExecutor(const ProcessPoolExecutor&) = delete;
  ProcessPoolExecutor& operator=(const ProcessPoolExecutor&) = delete;
  /// shutdown({}): blocks until all accepted work is done, unless shutdown() was called before.
  ~ProcessPoolExecutor();

  /// Calls f(args...) in a worker. Copies cross, made in this call: what their serialisation
  /// throws, submit() throws. Tasks start in the order of submission. Does not wait for workers;
  /// any thread may call it. ShutdownError after shutdown(), BrokenProcessPool if the pool is
  /// broken, DeadlockError in a forked child, std::invalid_argument if the function lies in a
  /// library that was loaded after the pool's zygote was made, std::system_error if the pool cannot
  /// start its service thread.
  template <class F, class... Args>
    requires std::invocable<std::decay_t<F>, std::decay_t<Args>...>
  Future<task_result_t<F, Args...>> submit(F&& f, Args&&... args) {
    return submitter().submit(std::forward<F>(f), std::forward<Args>(args)...);
  }

  /// The same, with what is asked for this task alone; std::invalid_argument for a deadline that is
  /// not positive.
  template <class F, class... Args>
    requires std::invocable<std::decay_t<F>, std::decay_t<Args>...>
  Future<task_result_t<F, Args...>> submit(const TaskOptions& options, F&& f, Args&&... args) {
    return submitter().submit(options, std::forward<F>(f), std::forward<Args>(args)...);
  }

  /// Refuses further work; see ShutdownOptions for what it waits for and cancels. When it has
  /// waited, callbacks have run, every worker and the zygote have been reaped, and the pool holds
  /// no descriptor or mapping. Any thread may call it, many times; called by a callback of this
  /// pool's futures it does not wait.
  void shutdown(const ShutdownOptions& options = {});

  /// Stops the pool by force: refuses further work, cancels what has not started, and sends every
  /// worker SIGTERM. What runs fails with WorkerDied (`ordered` is true); results that a worker had
  /// written before count. No worker is started again, nothing is retried. Does not wait:
  /// shutdown() or the destructor does, until the last worker is gone. A task that ignores SIGTERM
  /// runs to its end, as in Python; kill_workers() helps. Any thread may call it at any time, also
  /// while another waits in shutdown(); on a pool that is broken, was shut down or has no worker
  /// yet, it does what there is left to do. In a forked child it does nothing.
  void terminate_workers() { pool_->stop_by_force(detail::WorkerSignal::kTerminate); }
  /// The same with SIGKILL, which no task survives, and for the workers' process groups, that is
  /// for what tasks have started there too.
  void kill_workers() { pool_->stop_by_force(detail::WorkerSignal::kKill); }

  /// The number in force.
  int max_workers() const noexcept { return pool_->max_workers(); }
  /// The processes that run now. Blocks, briefly, while one is being started.
  std::vector<pid_t> worker_pids() const { return pool_->worker_pids(); }
  /// What all workers of this pool, ended ones too, have used of the CPUs.
  std::chrono::nanoseconds worker_cpu_time() const { return pool_->worker_cpu_time(); }
  /// What crossed for the tasks that workers have answered: callables with their arguments, and
  /// results or exceptions. A map's chunk is one task. However they crossed: in a task's cell,
  /// through the ring or in a memory file; of a SharedBuffer only its handle. Tasks whose futures
  /// are done are in it, also after shutdown(). The same tasks count the same in every run, unless
  /// workers die. Does not wait for workers; any thread may call it. Nothing in a forked child.
  ProcessTraffic traffic() const { return pool_->traffic(); }
  Submitter submitter() const { return Submitter(pool_); }

 private:
  detail::IntrusivePtr<detail::ProcessPool> pool_;
  // Relaxed: the destructor, which reads it, comes after every other call anyway.
  std::atomic<bool> shut_down_{false};
};

static_assert(Executor<ProcessPoolExecutor>);

// ---- implementation -------------------------------------------------------------------

template <class F, class... Args>
Future<task_result_t<F, Args...>> ProcessPoolExecutor::Submitter::send(
    std::chrono::nanoseconds deadline, F& f, Args&... args) const {
  detail::refuse_if_the_program_ends();
  using R = task_result_t<F, Args...>;
  // The stated types are the decayed ones: an array becomes a pointer, and is refused as one.
  auto task = detail::make_intrusive<detail::ProcessTask<R>>(
      pool_, static_cast<const std::decay_t<F>&>(f),
      static_cast<const std::decay_t<Args>&>(args)...);
  task->submit(deadline);
  return Future<R>(detail::IntrusivePtr<detail::TypedState<R>>(std::move(task)));
}

}  // namespace poolmark
