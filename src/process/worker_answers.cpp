#include <fmt/core.h>

#include <algorithm>
#include <cstring>
#include <new>
#include <utility>

#include "process/worker.hpp"

// What a worker answers, none of which is believed unchecked.
namespace poolmark::detail {
namespace {

// No answer is larger; a size beyond it is a wild write, found before any memory is asked for.
constexpr std::uint64_t kMaxAnswerBytes = std::uint64_t{1} << 40;
// A buffer beyond this is given back before the next use; below, keeping it is cheaper.
constexpr std::size_t kWorthKeeping = std::size_t{1} << 16;

/// Whether the worker has not come past this task yet.
bool is_on_its_way(std::uint64_t word, std::uint64_t number) noexcept {
  return word == cell_word(number, CellState::kQueued) ||
         word == cell_word(number, CellState::kTaken) ||
         word == cell_word(number, CellState::kRevoked) ||
         word == cell_word(number, CellState::kDone) ||
         word == cell_word(number, CellState::kTimedOut);
}

}  // namespace

bool Worker::has_news() const noexcept {
  if (answer_ != nullptr) return results_.has_news();
  if (oldest_ == next_) return false;
  // The worker goes from cell to cell in order: while it has not come past this one, nothing can be
  // in those behind. seq_cst: the last look before a sleep.
  return !is_on_its_way(cell(oldest_).word.load(std::memory_order_seq_cst), oldest_);
}

bool Worker::receive(TaskList& done, const std::atomic<std::uint32_t>*& space_wake) {
  const std::uint64_t oldest_before = oldest_;
  bool read_from_ring = false;
  try {
    while (answer_ != nullptr || begin_answer()) {
      const std::size_t size_before = answer_->size();
      const bool complete = read_answer();
      read_from_ring = read_from_ring || answer_->size() != size_before;
      if (!complete) break;
      end_answer(done);
    }
  } catch (const RingCorrupt& error) {
    throw WorkerTalksNonsense(error.what());
  } catch (const std::bad_alloc&) {
    // What it goes on to send could not be read in step any more.
    throw WorkerTalksNonsense(
        fmt::format("there is no memory for a result of {} bytes", answer_size_));
  }
  if (read_from_ring) {
    results_.publish();
    std::atomic<std::uint32_t>& wanted = shared().worker_wants_space;
    if (wanted.load(std::memory_order_seq_cst) != 0 &&
        wanted.exchange(0, std::memory_order_seq_cst) != 0) {
      space_wake = &wanted;
    }
  }
  return read_from_ring || oldest_ != oldest_before;
}

/// False if the worker has not answered the oldest task yet.
bool Worker::begin_answer() {
  TaskRecord* task = nullptr;
  for (; oldest_ != next_; ++oldest_) {
    task = task_of(oldest_);
    // Acquire: what the worker stored before it. One look, so that all that follows is about it.
    const std::uint64_t word = cell(oldest_).word.load(std::memory_order_acquire);
    const bool is_revoked = task == nullptr && !is_initializing_;
    if (is_revoked && word == cell_word(oldest_, CellState::kSkipped)) continue;
    if (is_on_its_way(word, oldest_)) return false;
    if (is_revoked || word != cell_word(oldest_, CellState::kAnswered)) {
      throw WorkerTalksNonsense("a result came for a task that does not run");
    }
    break;
  }
  if (oldest_ == next_) return false;
  const TaskCell& answered = cell(oldest_);
  // Each read once: what was checked must be what is used.
  const std::uint64_t size = *const_cast<const volatile std::uint64_t*>(&answered.size);
  const auto answer = answered.answer;
  answer_size_ = size & TaskCell::kSizeMask;
  answer_is_in_file_ = (size & TaskCell::kInFile) != 0;
  if (answer.check != kAnswerCheck || answer_size_ > kMaxAnswerBytes ||
      answer.outcome > static_cast<std::uint32_t>(CallOutcome::kUnreadable)) {
    throw WorkerTalksNonsense("the header of a result makes no sense");
  }
  answer_outcome_ = CallOutcome{answer.outcome};
  if (answer_outcome_ == CallOutcome::kUnreadable) {
    refuse_files();
    return begin_answer();
  }
  if (is_initializing_) {
    answer_ = &initializer_answer_;
  } else {
    make_room_for_answer(*task);
  }
  return true;
}

/// The oldest task goes back: it will come through the ring.
void Worker::refuse_files() {
  TaskRecord* task = task_of(oldest_);
  if (task == nullptr || task->bytes.block() == nullptr || oldest_ >= no_files_from_) {
    throw WorkerTalksNonsense("a call that was in no file could not be read from one");
  }
  task_of(oldest_++) = nullptr;
  no_files_from_ = std::min(no_files_from_, next_);
  timed_task_ = nullptr;
  --in_flight_count_;
  --sent_;
  task->place = TaskRecord::Place::kLeft;
  returned_.push_back(*task);
}

void Worker::make_room_for_answer(TaskRecord& task) {
  answer_ = &task.bytes;
  answered_call_size_ = answer_->size();
  if (answer_is_in_file_) {
    // Only in the file that was lent.
    const bool fits = task.retries_left == 0 && answer_->block() != nullptr &&
                      answer_size_ <= answer_->capacity();
    if (!fits) throw WorkerTalksNonsense("a result is in a file that the worker was not lent");
    return;
  }
  if (task.retries_left > 0) kept_call_ = std::move(task.bytes);
  if (answer_->size() > kWorthKeeping) answer_->release();
  answer_->clear();
}

/// True when all of it is here.
bool Worker::read_answer() {
  if (answer_is_in_file_) {
    answer_->set_size(answer_size_);
    return true;
  }
  if (answer_size_ <= TaskCell::kInlineBytes) {
    std::memcpy(answer_->extend(answer_size_), cell(oldest_).bytes, answer_size_);
    return true;
  }
  const std::size_t missing = answer_size_ - answer_->size();
  const std::size_t piece =
      results_.holds(missing) ? missing : std::min(missing, results_.available());
  results_.read_some(answer_->extend(piece), piece);
  return piece == missing;
}

void Worker::end_answer(TaskList& done) noexcept {
  answer_ = nullptr;
  timed_task_ = nullptr;
  TaskRecord* task = std::exchange(task_of(oldest_++), nullptr);
  if (is_initializing_) {
    is_initializing_ = false;
    initializer_threw_ = answer_outcome_ == CallOutcome::kThrew;
    return;
  }
  --in_flight_count_;
  ++answered_;
  traffic_ += {answered_call_size_, answer_size_};
  task->outcome = answer_outcome_;
  task->place = TaskRecord::Place::kLeft;
  task->worker = nullptr;
  done.push_back(*task);
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
