#pragma once

#include <sys/types.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

#include "poolmark/detail/process_task.hpp"
#include "process/channel.hpp"
#include "process/messages.hpp"
#include "process/task_list.hpp"

namespace poolmark::detail {

/// The worker wrote something that no correct worker writes: its memory must have gone wild.
class WorkerTalksNonsense : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// One worker as the pool sees it. Guarded by the pool's lock. Nothing it reads from the channel is
/// believed unchecked: numbers are compared with what was sent, and sizes cost memory only as their
/// bytes arrive.
class Worker {
 public:
  using Clock = std::chrono::steady_clock;

  /// Makes the channel. Throws std::system_error. `quota` is how many tasks it may run.
  Worker(std::uint64_t id, std::size_t ring_bytes, std::optional<int> quota);

  std::uint64_t id() const noexcept { return id_; }
  /// For the zygote, once.
  OwnedFd take_memory_file() noexcept { return channel_.take_memory_file(); }

  /// Before it is born: it may stay awake for a moment when it has nothing to do.
  void let_it_spin() noexcept;
  bool spins() const noexcept { return shared().may_spin; }

  // ---- what the pool notes here -------------------------------------------------------

  std::optional<pid_t> pid;      // once the zygote has told
  int cpu = kAnyCpu;             // that it is bound to
  bool killed = false;           // by the pool: what it still writes is not read
  bool timed_out = false;        // killed because its task was past its deadline
  std::string nonsense;          // why, if it talked any
  Clock::time_point busy_since;  // when it last had nothing to do, or last answered

  // ---- sending ------------------------------------------------------------------------

  /// Whether it may be sent a task when `depth` are allowed at once.
  bool has_room(std::size_t depth) const noexcept {
    return in_flight_count_ < depth && !is_leaving_ && !killed && !is_sending() && !is_spent() &&
           timed_task_ == nullptr && has_free_cell();
  }
  std::size_t in_flight() const noexcept { return in_flight_count_; }
  /// Of those in flight, how many do not run yet.
  std::size_t waiting() const noexcept {
    return is_initializing_ || !pid || in_flight_count_ == 0 ? in_flight_count_
                                                             : in_flight_count_ - 1;
  }
  bool is_idle() const noexcept { return in_flight_count_ == 0 && !is_initializing_; }
  bool is_parked() const noexcept;
  /// Whether it sleeps until the pool has looked: out of work, or of room for an answer.
  bool waits_for_pool() const noexcept;

  /// Takes the reference that the list held.
  void send(TaskRecord& task);
  void send_initializer(CallThunk thunk, const Bytes& call);
  /// Whether a record is half written, because the ring is full.
  bool is_sending() const noexcept { return outgoing_size_ != 0; }
  /// Writes on at it. Throws WorkerTalksNonsense.
  void feed();

  /// The word to wake with a futex, if the worker sleeps and has something to read.
  const std::atomic<std::uint32_t>* claim_wake() noexcept;

  /// Tells it to end when it has nothing to do.
  void leave() noexcept;
  bool is_leaving() const noexcept { return is_leaving_; }
  /// Has been sent all the tasks of its quota.
  bool is_spent() const noexcept { return quota_ && sent_ >= *quota_; }

  // ---- taking back --------------------------------------------------------------------

  /// Whether the worker has taken it.
  bool has_taken(const TaskRecord& task) const noexcept;
  /// Takes the task back unless the worker has taken it; the caller gets the reference.
  bool revoke(TaskRecord& task) noexcept;
  /// The first task that waits behind others and is wholly written; null if there is none.
  TaskRecord* first_waiting() noexcept;
  /// Revokes all that can be revoked, in order.
  void revoke_all(TaskList& revoked) noexcept;
  /// After its death: everything unanswered, in order, with what the worker had taken first.
  void take_all(TaskList& tasks) noexcept;

  // ---- a task with a deadline (worker_deadline.cpp) ----------------------------------

  /// When it is worth asking is_overdue(): when the task is past its deadline if it runs, and no
  /// later than it can be if it has not begun; none without such a task.
  std::optional<Clock::time_point> next_look() const noexcept {
    return timed_task_ == nullptr || look_at_ == Clock::time_point::max() ? std::nullopt
                                                                          : std::optional(look_at_);
  }
  /// Whether the task is past its deadline and has not ended. If so it never will: the worker must
  /// be killed.
  bool is_overdue(Clock::time_point now) noexcept;

  // ---- receiving ----------------------------------------------------------------------

  /// Whether receive() would read anything.
  bool has_news() const noexcept;
  /// Moves finished tasks, with their answers, to `done`; false if there was nothing to read.
  /// Throws WorkerTalksNonsense. `space_wake` is set if the worker waits for room.
  bool receive(TaskList& done, const std::atomic<std::uint32_t>*& space_wake);

  /// Tasks that it could not read, to be sent again.
  TaskList take_returned() noexcept { return std::move(returned_); }

  std::size_t answered() const noexcept { return answered_; }
  /// Of the tasks answered since the last call.
  ProcessTraffic take_traffic() noexcept { return std::exchange(traffic_, {}); }
  bool is_initializing() const noexcept { return is_initializing_; }
  /// What the initializer threw, if it did.
  std::exception_ptr initializer_error() const;
  /// Completes "while it was ...".
  std::string doing() const;

 private:
  ChannelHeader& shared() const noexcept { return channel_.header(); }
  TaskCell& cell(std::uint64_t number) const noexcept { return shared().cell(number); }
  TaskRecord*& task_of(std::uint64_t number) noexcept { return tasks_in_cells_[number % kCells]; }
  bool has_free_cell() const noexcept;
  void send_call(std::uint64_t number, CallThunk thunk, const Bytes& call, bool runs_once);
  void start_deadline(TaskRecord& task) noexcept;
  bool begin_answer();
  void make_room_for_answer(TaskRecord& task);
  bool read_answer();
  void refuse_files();
  void end_answer(TaskList& done) noexcept;

  std::uint64_t id_;
  Channel channel_;
  RingWriter tasks_;
  RingReader results_;
  std::optional<std::size_t> quota_;
  std::size_t sent_ = 0;  // and not revoked
  std::size_t answered_ = 0;
  ProcessTraffic traffic_;
  bool is_leaving_ = false;

  // Numbers from oldest_ to next_ are in cells. Of those that are revoked the task is null; they
  // hold their cells until the worker has passed them.
  std::array<TaskRecord*, kCells> tasks_in_cells_{};
  std::uint64_t oldest_ = 1;
  std::uint64_t next_ = 1;
  std::size_t in_flight_count_ = 0;  // tasks that are not revoked

  TaskRecord* timed_task_ = nullptr;              // in flight, with a deadline, and alone
  Clock::time_point look_at_;                     // see next_look(); max: it has ended
  std::optional<Clock::time_point> timed_since_;  // when it began, once known

  // The call that flows through the ring, of task next_ - 1.
  const std::byte* outgoing_ = nullptr;
  std::size_t outgoing_size_ = 0;             // that are left; 0: none
  IntrusivePtr<FutureState> outgoing_owner_;  // keeps the bytes while the task may be cancelled

  // The answer that is being read, of task oldest_.
  std::size_t answer_size_ = 0;
  std::size_t answered_call_size_ = 0;
  CallOutcome answer_outcome_{};
  bool answer_is_in_file_ = false;
  Bytes* answer_ = nullptr;  // null: between two answers
  // The system does not let it open the pool's files: tasks from this number on go through the
  // ring.
  std::uint64_t no_files_from_ = ~std::uint64_t{0};
  TaskList returned_;
  bool is_initializing_ = false;
  bool initializer_threw_ = false;
  Bytes initializer_answer_;
  Bytes kept_call_;  // of a task that may be retried, while its answer is being read
};

}  // namespace poolmark::detail
