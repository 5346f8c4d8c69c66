#include "process/worker.hpp"

#include <cstring>
#include <utility>

#include "process/payload_store.hpp"

namespace poolmark::detail {
Worker::Worker(std::uint64_t id, std::size_t ring_bytes, std::optional<int> quota)
    : id_(id),
      channel_(Channel::create(ring_bytes)),
      tasks_(channel_.task_writer()),
      results_(channel_.result_reader()) {
  if (quota) quota_ = static_cast<std::size_t>(*quota);
}

// ---- sending --------------------------------------------------------------------------

void Worker::let_it_spin() noexcept { shared().may_spin = true; }

bool Worker::waits_for_pool() const noexcept {
  // seq_cst: the look between saying that one rests and resting, see ring.hpp.
  return shared().worker_parked.load(std::memory_order_seq_cst) != 0 ||
         shared().worker_wants_space.load(std::memory_order_seq_cst) != 0;
}

bool Worker::is_parked() const noexcept {
  // Relaxed: a hint which worker is still hot; claim_wake() decides.
  return shared().worker_parked.load(std::memory_order_relaxed) != 0;
}

bool Worker::has_free_cell() const noexcept { return next_ - oldest_ < kCells; }

void Worker::send(TaskRecord& task) {
  if (in_flight_count_ == 0) busy_since = Clock::now();
  ++in_flight_count_;
  ++sent_;
  task.place = TaskRecord::Place::kSent;
  task.worker = this;
  task.number = next_++;
  task_of(task.number) = &task;
  if (task.has_deadline()) start_deadline(task);
  send_call(task.number, task.thunk, task.bytes, task.retries_left == 0);
  if (is_sending()) outgoing_owner_ = IntrusivePtr<FutureState>(&task.future);
}

void Worker::send_initializer(CallThunk thunk, const Bytes& call) {
  is_initializing_ = true;
  shared().initializer = next_;
  send_call(next_++, thunk, call, false);
}

void Worker::send_call(std::uint64_t number, CallThunk thunk, const Bytes& call, bool runs_once) {
  TaskCell& place = cell(number);
  place.size = call.size();
  place.thunk = reinterpret_cast<std::uint64_t>(thunk);
  if (call.block() != nullptr && number < no_files_from_) {
    const PayloadName name = static_cast<const PayloadFile*>(call.block())->name();
    place.size |= TaskCell::kInFile | (runs_once ? TaskCell::kFileIsLent : 0);
    std::memcpy(place.bytes, &name, sizeof name);
  } else if (call.size() <= TaskCell::kInlineBytes) {
    std::memcpy(place.bytes, call.data(), call.size());
  } else {
    outgoing_ = call.data();
    outgoing_size_ = call.size();
    feed();
  }
  // seq_cst, and so a release too: see "No wake-up is lost" in README.md.
  place.word.store(cell_word(number, CellState::kQueued), std::memory_order_seq_cst);
}

void Worker::feed() {
  try {
    do {
      const std::size_t put = tasks_.write_some(outgoing_, outgoing_size_);
      outgoing_ += put;
      outgoing_size_ -= put;
      if (put != 0) tasks_.publish();
      if (outgoing_size_ == 0) {
        outgoing_owner_ = {};
        return;
      }
      // seq_cst, then one more look: either the worker sees the wish or this sees the space.
      shared().pool_wants_space.store(1, std::memory_order_seq_cst);
    } while (tasks_.free_space() != 0);
  } catch (const RingCorrupt& error) {
    throw WorkerTalksNonsense(error.what());
  }
}

const std::atomic<std::uint32_t>* Worker::claim_wake() noexcept {
  std::atomic<std::uint32_t>& parked = shared().worker_parked;
  // seq_cst: the look comes after what was published, see ring.hpp.
  if (parked.load(std::memory_order_seq_cst) == 0) return nullptr;
  return parked.exchange(0, std::memory_order_seq_cst) != 0 ? &parked : nullptr;
}

void Worker::leave() noexcept {
  is_leaving_ = true;
  shared().closing.store(1, std::memory_order_seq_cst);
}

// ---- taking back ----------------------------------------------------------------------

bool Worker::has_taken(const TaskRecord& task) const noexcept {
  // Acquire: pairs with the worker's swap; a task seen as taken has been.
  const std::uint64_t word = cell(task.number).word.load(std::memory_order_acquire);
  const bool was_sent = word >= cell_word(task.number, CellState::kFree);  // else of an older task
  // A worker gone wild may have written anything, and what it may have begun is not run again.
  return was_sent && word != cell_word(task.number, CellState::kQueued);
}

bool Worker::revoke(TaskRecord& task) noexcept {
  std::uint64_t queued = cell_word(task.number, CellState::kQueued);
  // Acquire-release against the worker's own attempt: exactly one of the two succeeds.
  if (!cell(task.number)
           .word.compare_exchange_strong(queued, cell_word(task.number, CellState::kRevoked),
                                         std::memory_order_acq_rel, std::memory_order_acquire)) {
    return false;
  }
  task_of(task.number) = nullptr;
  --in_flight_count_;
  --sent_;
  timed_task_ = nullptr;  // if there was one, it was this
  task.place = TaskRecord::Place::kLeft;
  task.worker = nullptr;
  return true;
}

TaskRecord* Worker::first_waiting() noexcept {
  for (std::uint64_t number = oldest_; number != next_; ++number) {
    TaskRecord* task = task_of(number);
    if (task == nullptr || has_taken(*task)) continue;
    const bool half_written = is_sending() && number == next_ - 1;
    return half_written ? nullptr : task;
  }
  return nullptr;
}

void Worker::revoke_all(TaskList& revoked) noexcept {
  // From the back, so that the worker does not take one while its predecessors are looked at.
  TaskList reversed;
  for (std::uint64_t number = next_; number != oldest_; --number) {
    TaskRecord* task = task_of(number - 1);
    if (task != nullptr && revoke(*task)) reversed.push_back(*task);
  }
  while (!reversed.empty()) revoked.push_back(reversed.pop_back());
}

void Worker::take_all(TaskList& tasks) noexcept {
  if (answer_ != nullptr && !is_initializing_ && task_of(oldest_)->retries_left > 0) {
    *answer_ = std::move(kept_call_);
  }
  for (; oldest_ != next_; ++oldest_) {
    TaskRecord* task = std::exchange(task_of(oldest_), nullptr);
    if (task == nullptr) continue;
    task->place = TaskRecord::Place::kLeft;
    tasks.push_back(*task);
  }
  while (!returned_.empty()) tasks.push_back(returned_.pop_front());
  in_flight_count_ = 0;
  timed_task_ = nullptr;
  outgoing_size_ = 0;
  outgoing_owner_ = {};
  answer_ = nullptr;
}

}  // namespace poolmark::detail
