#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <vector>

#include "poolmark/detail/task_memory.hpp"
#include "poolmark/detail/typed_state.hpp"
#include "poolmark/detail/wire_call.hpp"
#include "poolmark/errors.hpp"
#include "poolmark/executor.hpp"

namespace poolmark::detail {

class Worker;

/// A task as the pool sees it, whatever it returns: bytes to send, and what to do with the answer.
struct TaskRecord {
  using Decode = void (*)(FutureState& future, WireReader& answer);

  /// Where it is now.
  enum class Place : std::uint8_t {
    kNowhere,    // not submitted yet
    kBacklog,    // in the pool's own queue
    kSent,       // sent to a worker; the cell tells whether the worker has taken it
    kCancelled,  // on its way to the cancelled phase, if not there yet
    kLeft,       // answered or failed: whoever took it out completes it
  };

  TaskRecord(FutureState& owner, Decode how_to_decode, bool plainly, SharedBlocks* blocks)
      : future(owner), decode(how_to_decode), decodes_plainly(plainly), bytes(blocks) {}

  FutureState& future;
  Decode decode;
  bool decodes_plainly;  // by copying bytes: no code of the user's runs
  CallThunk thunk = nullptr;
  Bytes bytes;  // of the call until the answer comes, then of the answer

  // Guarded by the pool's lock.
  Place place = Place::kNowhere;
  CallOutcome outcome = CallOutcome::kReturned;
  bool has_failed = false;  // its error has been set here; there is no answer to decode
  int retries_left = 0;
  std::chrono::nanoseconds deadline{0};  // of its execution, set before submit(); 0: none

  bool has_deadline() const noexcept { return deadline.count() != 0; }
  Worker* worker = nullptr;  // while kSent
  std::uint64_t number = 0;  // while kSent: the worker's number for it
  TaskRecord* next = nullptr;
  TaskRecord* previous = nullptr;
};

/// How running tasks are made to end.
enum class WorkerSignal : std::uint8_t {
  kTerminate,  // SIGTERM, to the worker
  kKill,       // SIGKILL, to the worker and its process group
};

/// See ProcessPoolExecutor::traffic().
struct ProcessTraffic {
  std::uint64_t sent_bytes = 0;      ///< to workers
  std::uint64_t received_bytes = 0;  ///< from workers

  ProcessTraffic& operator+=(const ProcessTraffic& more) noexcept {
    sent_bytes += more.sent_bytes;
    received_bytes += more.received_bytes;
    return *this;
  }
  friend bool operator==(const ProcessTraffic&, const ProcessTraffic&) = default;
};

/// The body of a process pool, as far as templates need to know it.
class ProcessPool : public RefCounted, public ProgressDriver {
 public:
  /// Takes a reference to the task's future. ShutdownError, BrokenProcessPool, DeadlockError in a
  /// forked child; std::invalid_argument if the workers do not know its code; std::system_error if
  /// the pool's service thread cannot be started.
  virtual void submit(TaskRecord& task) = 0;
  /// Throws std::invalid_argument unless the workers have this code at this address.
  virtual void require_known(const void* code) const = 0;
  /// Cancels unless a worker has taken it; true if it is cancelled now.
  virtual bool cancel(TaskRecord& task) = 0;
  virtual bool has_started(const TaskRecord& task) const noexcept = 0;
  /// For calls too large for a ring; as long as the pool. Null in a forked child.
  virtual SharedBlocks* large_memory() noexcept = 0;

  /// Completes what has been answered, unless somebody is about to. Does not block.
  virtual void collect_answers() = 0;

  virtual void shutdown(const ShutdownOptions& options) = 0;
  virtual void stop_by_force(WorkerSignal signal) = 0;
  virtual int max_workers() const noexcept = 0;
  virtual std::vector<pid_t> worker_pids() = 0;
  virtual std::chrono::nanoseconds worker_cpu_time() = 0;
  virtual ProcessTraffic traffic() const noexcept = 0;
  /// Whether this is a forked child, where nobody serves the pool.
  virtual bool is_inherited() const noexcept = 0;
};

/// The future of a task that runs in a worker process.
template <class T>
class ProcessTask final : public TypedState<T>, public InTaskMemory<ProcessTask<T>> {
 public:
  template <class F, class... Args>
  ProcessTask(IntrusivePtr<ProcessPool> pool, const F& function, const Args&... args)
      : pool_(std::move(pool)), record_(*this, &decode, kPlain, pool_->large_memory()) {
    WireWriter to(record_.bytes);
    record_.thunk = put_call<T>(to, function, args...);
    if constexpr (std::is_pointer_v<F>) {
      pool_->require_known(reinterpret_cast<const void*>(function));
    }
  }

  void submit(std::chrono::nanoseconds deadline) {
    record_.deadline = deadline;
    pool_->submit(record_);
  }

  bool request_cancel() override { return pool_->cancel(record_); }
  bool has_started() const noexcept override { return pool_->has_started(record_); }
  ProgressDriver* driver() noexcept override { return pool_.get(); }

 private:
  static constexpr bool kPlain = kDecodesPlainly<T>;

  static void decode(FutureState& future, WireReader& answer) {
    auto& self = static_cast<ProcessTask&>(future);
    if constexpr (std::is_void_v<T>) {
      refuse_leftovers(answer);
      self.emplace_value();
    } else {
      T value = get_value<T>(answer);
      refuse_leftovers(answer);
      self.emplace_value(std::move(value));
    }
  }

  static void refuse_leftovers(const WireReader& answer) {
    if (answer.remaining() == 0) return;
    throw Error("the result of the task has more bytes than get(), or load(), of its type read");
  }

  IntrusivePtr<ProcessPool> pool_;
  TaskRecord record_;
};

}  // namespace poolmark::detail
