#include "process/worker.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <new>
#include <numeric>

namespace poolmark::detail {
namespace {

// No answer is larger; a size beyond it is a wild write, found before any memory is asked for.
constexpr std::uint64_t kMaxAnswerBytes = std::uint64_t{1} << 40;
// A buffer beyond this is given back before the next use; below, keeping it is cheaper.
constexpr std::size_t kWorthKeeping = std::size_t{1} << 16;

}  // namespace

Worker::Worker(std::uint64_t id, std::size_t ring_bytes, std::optional<int> quota)
    : id_(id),
      channel_(Channel::create(ring_bytes)),
      tasks_(channel_.task_writer()),
      results_(channel_.result_reader()),
      free_slots_(kSlots) {
  if (quota) quota_ = static_cast<std::size_t>(*quota);
  std::iota(free_slots_.rbegin(), free_slots_.rend(), 0U);
}

// ---- sending --------------------------------------------------------------------------

bool Worker::is_parked() const noexcept {
  // Relaxed: a hint which worker is still hot; claim_wake() decides.
  return shared().worker_parked.load(std::memory_order_relaxed) != 0;
}

void Worker::send(TaskRecord& task) {
  if (in_flight_count_ == 0) busy_since = Clock::now();
  const Entry entry{next_number_++, free_slots_.back(), &task};
  free_slots_.pop_back();
  in_flight_.push_back(entry);
  ++in_flight_count_;
  ++sent_;
  task.place = TaskRecord::Place::kSent;
  task.worker = this;
  task.number = entry.number;
  task.slot = entry.slot;
  // Relaxed: the record's header, published with seq_cst after it, carries it to the worker.
  shared().slots[entry.slot].store(slot_word(entry.number, SlotState::kQueued),
                                   std::memory_order_relaxed);
  start_sending({.number = entry.number,
                 .thunk = reinterpret_cast<std::uint64_t>(task.thunk),
                 .size = task.bytes.size(),
                 .slot = entry.slot,
                 .unused = 0},
                task.bytes);
  if (is_sending()) outgoing_owner_ = IntrusivePtr<FutureState>(&task.future);
}

void Worker::send_initializer(CallThunk thunk, const Bytes& call) {
  is_initializing_ = true;
  start_sending({.number = 0,
                 .thunk = reinterpret_cast<std::uint64_t>(thunk),
                 .size = call.size(),
                 .slot = kNoSlot,
                 .unused = 0},
                call);
}

void Worker::start_sending(const TaskHeader& header, const Bytes& bytes) {
  outgoing_header_ = header;
  outgoing_bytes_ = bytes.data();
  outgoing_size_ = sizeof header + bytes.size();
  outgoing_done_ = 0;
  feed();
}

void Worker::feed() {
  try {
    do {
      std::size_t put = 0;
      if (outgoing_done_ < sizeof outgoing_header_) {
        const auto* header = reinterpret_cast<const std::byte*>(&outgoing_header_);
        outgoing_done_ += put =
            tasks_.write_some(header + outgoing_done_, sizeof outgoing_header_ - outgoing_done_);
      }
      if (outgoing_done_ >= sizeof outgoing_header_) {
        const std::size_t at = outgoing_done_ - sizeof outgoing_header_;
        const std::size_t more =
            tasks_.write_some(outgoing_bytes_ + at, outgoing_size_ - outgoing_done_);
        outgoing_done_ += more;
        put += more;
      }
      if (put != 0) tasks_.publish();
      if (outgoing_done_ == outgoing_size_) {
        outgoing_size_ = 0;
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
  // Acquire: pairs with the worker's exchange; a task seen as taken has been.
  return shared().slots[task.slot].load(std::memory_order_acquire) ==
         slot_word(task.number, SlotState::kTaken);
}

Worker::Entry& Worker::entry_of(const TaskRecord& task) noexcept {
  return *std::ranges::lower_bound(in_flight_, task.number, {}, &Entry::number);
}

bool Worker::revoke(TaskRecord& task) noexcept {
  std::uint64_t queued = slot_word(task.number, SlotState::kQueued);
  // Acquire-release against the worker's own attempt: exactly one of the two succeeds.
  if (!shared().slots[task.slot].compare_exchange_strong(
          queued, slot_word(task.number, SlotState::kRevoked), std::memory_order_acq_rel,
          std::memory_order_acquire)) {
    return false;
  }
  entry_of(task).task = nullptr;
  free_slots_.push_back(task.slot);
  --in_flight_count_;
  --sent_;
  task.place = TaskRecord::Place::kLeft;
  task.worker = nullptr;
  forget_revoked_front();
  return true;
}

TaskRecord* Worker::first_waiting() noexcept {
  for (const Entry& entry : in_flight_) {
    if (entry.task == nullptr || has_taken(*entry.task)) continue;
    const bool half_written = is_sending() && entry.number == outgoing_header_.number;
    return half_written ? nullptr : entry.task;
  }
  return nullptr;
}

void Worker::revoke_all(TaskList& revoked) noexcept {
  // From the back, so that the worker does not take one while its predecessors are looked at.
  TaskList reversed;
  for (std::size_t i = in_flight_.size(); i > 0; --i) {
    if (i > in_flight_.size()) continue;  // revoke() dropped entries from the front
    TaskRecord* task = in_flight_[i - 1].task;
    if (task != nullptr && revoke(*task)) reversed.push_back(*task);
  }
  while (!reversed.empty()) revoked.push_back(reversed.pop_back());
}

void Worker::take_all(TaskList& tasks) noexcept {
  if (answer_ != nullptr && !is_initializing_ && in_flight_.front().task->retries_left > 0) {
    *answer_ = std::move(kept_call_);
  }
  for (const Entry& entry : in_flight_) {
    if (entry.task == nullptr) continue;
    entry.task->place = TaskRecord::Place::kLeft;
    tasks.push_back(*entry.task);
  }
  in_flight_.clear();
  in_flight_count_ = 0;
  outgoing_size_ = 0;
  outgoing_owner_ = {};
  answer_ = nullptr;
}

void Worker::forget_revoked_front() noexcept {
  while (!in_flight_.empty() && in_flight_.front().task == nullptr) in_flight_.pop_front();
}

// ---- receiving ------------------------------------------------------------------------

bool Worker::receive(TaskList& done, const std::atomic<std::uint32_t>*& space_wake) {
  bool any = false;
  try {
    for (;;) {
      if (answer_ == nullptr) {
        if (!results_.holds(sizeof incoming_)) break;
        results_.read_some(&incoming_, sizeof incoming_);
        any = true;
        begin_answer();
      }
      const std::size_t missing = incoming_.size - answer_->size();
      if (missing != 0) {
        const std::size_t piece =
            results_.holds(missing) ? missing : std::min(missing, results_.available());
        if (piece == 0) break;
        results_.read_some(answer_->extend(piece), piece);
        any = true;
      }
      if (answer_->size() == incoming_.size) end_answer(done);
    }
  } catch (const RingCorrupt& error) {
    throw WorkerTalksNonsense(error.what());
  } catch (const std::bad_alloc&) {
    // What it goes on to send could not be read in step any more.
    throw WorkerTalksNonsense(
        fmt::format("there is no memory for a result of {} bytes", incoming_.size));
  }
  if (!any) return false;
  results_.publish();
  std::atomic<std::uint32_t>& wanted = shared().worker_wants_space;
  if (wanted.load(std::memory_order_seq_cst) != 0 &&
      wanted.exchange(0, std::memory_order_seq_cst) != 0) {
    space_wake = &wanted;
  }
  return true;
}

void Worker::begin_answer() {
  if (incoming_.check != kResultCheck || incoming_.size > kMaxAnswerBytes ||
      incoming_.outcome > static_cast<std::uint32_t>(CallOutcome::kThrew)) {
    throw WorkerTalksNonsense("the header of a result makes no sense");
  }
  if (is_initializing_) {
    if (incoming_.number != 0) throw WorkerTalksNonsense("a result came before the initializer's");
    answer_ = &initializer_answer_;
    return;
  }
  forget_revoked_front();
  if (in_flight_.empty() || in_flight_.front().number != incoming_.number ||
      !has_taken(*in_flight_.front().task)) {
    throw WorkerTalksNonsense("a result came for a task that does not run");
  }
  TaskRecord& task = *in_flight_.front().task;
  answer_ = &task.bytes;
  if (task.retries_left > 0) kept_call_ = std::move(task.bytes);
  if (answer_->size() > kWorthKeeping) answer_->release();
  answer_->clear();
}

void Worker::end_answer(TaskList& done) noexcept {
  answer_ = nullptr;
  const auto outcome = CallOutcome{incoming_.outcome};
  if (is_initializing_) {
    is_initializing_ = false;
    initializer_threw_ = outcome == CallOutcome::kThrew;
    return;
  }
  const Entry entry = in_flight_.front();
  in_flight_.pop_front();
  forget_revoked_front();
  --in_flight_count_;
  ++answered_;
  free_slots_.push_back(entry.slot);
  entry.task->outcome = outcome;
  entry.task->place = TaskRecord::Place::kLeft;
  entry.task->worker = nullptr;
  done.push_back(*entry.task);
}

std::exception_ptr Worker::initializer_error() const {
  if (!initializer_threw_) return nullptr;
  try {
    WireReader from(initializer_answer_.data(), initializer_answer_.size());
    return get_exception(from);
  } catch (...) {
    return std::current_exception();
  }
}

std::string Worker::doing() const {
  // Acquire: what the worker did before it said so is behind it.
  switch (shared().doing.load(std::memory_order_acquire)) {
    case Doing::kStarting:
      return "starting";
    case Doing::kWaiting:
      return "waiting for a task";
    case Doing::kReadingArguments:
      return "reading the arguments of a task";
    case Doing::kRunning:
      return "running a task";
    case Doing::kWritingResult:
      return "writing the result of a task";
    case Doing::kCallingExit:
      return "running a task, which called exit()";
  }
  return "running a task";
}

}  // namespace poolmark::detail
