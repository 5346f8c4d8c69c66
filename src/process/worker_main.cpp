#include "process/worker_main.hpp"

#include <unistd.h>

#include <cstdlib>
#include <cstring>

#include "poolmark/detail/futex.hpp"
#include "poolmark/detail/spin.hpp"
#include "poolmark/detail/wire_call.hpp"
#include "poolmark/process_pool_executor.hpp"
#include "process/bell.hpp"
#include "process/channel.hpp"
#include "process/child_process.hpp"
#include "process/fault_hooks.hpp"
#include "process/payload_window.hpp"

namespace poolmark {
namespace detail {
namespace {

// A wake cannot be lost while the pool lives, and the worker dies with the pool; that a sleep ends
// all the same is insurance against a pool that a debugger or a bug has mangled.
constexpr std::chrono::seconds kLongestSleep{1};

// The channel of this process, for the exit handler alone.
ChannelHeader* channel_of_this_process = nullptr;

// Runs before the parent's exit handlers, because it is registered after them, and instead of them:
// they and the parent's static objects are not this process's to destroy.
void report_exit(int code, void*) {
  // Release: the pool reads it when it has learned of the death.
  channel_of_this_process->doing.store(Doing::kCallingExit, std::memory_order_release);
  leave_process(code);
}

std::optional<std::uint64_t> number_of_this_worker;

class WorkerLoop {
 public:
  explicit WorkerLoop(WorkerEstate estate)
      : channel_(Channel::open(std::move(estate.channel), estate.ring_bytes)),
        bell_(Bell::open(std::move(estate.bell_memory), std::move(estate.bell_event))),
        tasks_(channel_.task_reader()),
        results_(channel_.result_writer()),
        files_(estate.main_process) {}

  void run() {
    channel_of_this_process = &channel_.header();
    on_exit(report_exit, nullptr);
    POOLMARK_HOOK(kStarting);
    while (await_call()) {
      if (!take()) {
        skip();
      } else if (run_task() == CallOutcome::kThrew && number_ == shared().initializer) {
        // The tasks that stand behind it must not run in here.
        return;
      }
      ++number_;
    }
  }

 private:
  ChannelHeader& shared() const noexcept { return channel_.header(); }
  TaskCell& cell() const noexcept { return shared().cell(number_); }

  void now_doing(Doing what) noexcept {
    // Release: the last word before a death is what the pool reports.
    shared().doing.store(what, std::memory_order_release);
  }

  /// False when there is no task and will be none.
  bool await_call() {
    now_doing(Doing::kWaiting);
    return await([this] {
      // seq_cst: the last look before a sleep. Acquire with it: the call is in the cell.
      const std::uint64_t word = cell().word.load(std::memory_order_seq_cst);
      return word == cell_word(number_, CellState::kQueued) ||
             word == cell_word(number_, CellState::kRevoked);
    });
  }

  /// From here on, or not at all, the task is this worker's.
  bool take() noexcept {
    // Before it is taken: a death from then on is a death with this task.
    now_doing(Doing::kReadingArguments);
    POOLMARK_HOOK(kBeforeTaking);
    std::uint64_t queued = cell_word(number_, CellState::kQueued);
    // Acquire-release: the pool that sees "taken" must not see effects of the task before it.
    return cell().word.compare_exchange_strong(queued, cell_word(number_, CellState::kTaken),
                                               std::memory_order_acq_rel,
                                               std::memory_order_acquire);
  }

  /// Passes a revoked task.
  void skip() {
    // What is in a file has more bytes by its marks alone, and nothing in the ring.
    const std::uint64_t size = cell().size;
    if ((size & TaskCell::kInFile) == 0 && size > TaskCell::kInlineBytes) read(nullptr, size);
    // seq_cst, and so a release too: the pool may write to the cell from here on.
    cell().word.store(cell_word(number_, CellState::kSkipped), std::memory_order_seq_cst);
    bell_.ring();  // it may have waited for a cell
  }

  CallOutcome run_task() {
    POOLMARK_HOOK(kAfterTaking);
    const std::byte* bytes = read_call();
    if (bytes == nullptr) {
      answer(CallOutcome::kUnreadable);
      return CallOutcome::kUnreadable;
    }
    TaskCell& place = cell();
    WireReader call(bytes, place.size & TaskCell::kSizeMask);
    now_doing(Doing::kRunning);
    const auto thunk = reinterpret_cast<CallThunk>(place.thunk);
    if (number_ == shared().initializer) POOLMARK_HOOK(kInitializing);
    // Relaxed: published by the cell's word.
    const bool has_deadline = number_ == shared().timed_task.load(std::memory_order_relaxed);
    if (has_deadline) start_clock();
    const CallOutcome outcome = thunk(call, answer_);
    if (has_deadline) be_done_or_be_killed();
    now_doing(Doing::kWritingResult);
    answer(outcome);
    answer_.clear();
    forget_large_buffers();
    ++tasks_since_;
    return outcome;
  }

  /// Where the bytes of the call are, until the answer is written; null if this process is not
  /// allowed to map the file they are in.
  const std::byte* read_call() {
    TaskCell& place = cell();
    files_.lend_for_answer(nullptr);
    if ((place.size & TaskCell::kInFile) != 0) {
      PayloadName name;
      std::memcpy(&name, place.bytes, sizeof name);
      SharedBlock* file = files_.open(name);
      if (file == nullptr) return nullptr;
      if ((place.size & TaskCell::kFileIsLent) != 0) files_.lend_for_answer(file);
      return file->data;
    }
    if (place.size <= TaskCell::kInlineBytes) return place.bytes;
    call_.clear();
    std::byte* bytes = call_.extend(place.size);
    read(bytes, place.size);
    return bytes;
  }

  void answer(CallOutcome outcome) {
    TaskCell& place = cell();
    const bool in_file = answer_.block() != nullptr;
    place.size = answer_.size() | (in_file ? TaskCell::kInFile : 0);
    place.answer = {.outcome = static_cast<std::uint32_t>(outcome), .check = kAnswerCheck};
    bool flows = false;  // behind what says how much will come
    if (answer_.size() <= TaskCell::kInlineBytes) {
      std::memcpy(place.bytes, answer_.data(), answer_.size());
    } else if (!in_file) {
      flows = !results_.fits(answer_.size());
      if (!flows) results_.write_some(answer_.data(), answer_.size());
      results_.publish();
    }
    POOLMARK_HOOK(kBeforePublish);
    // seq_cst, and so a release too: see "No wake-up is lost" in README.md.
    place.word.store(cell_word(number_, CellState::kAnswered), std::memory_order_seq_cst);
    POOLMARK_HOOK(kAfterPublish);
    bell_.ring();
    if (flows) write(answer_.data(), answer_.size());
    if (in_file) answer_.release();
  }

  void start_clock() noexcept {
    const auto now = std::chrono::steady_clock::now().time_since_epoch();
    // Relaxed: a number, and the pool reads nothing because of it.
    shared().started_at.store(std::chrono::nanoseconds(now).count(), std::memory_order_relaxed);
  }

  /// From here on, or not at all, the task has ended in time.
  void be_done_or_be_killed() noexcept {
    std::uint64_t taken = cell_word(number_, CellState::kTaken);
    // Acquire-release: exactly one of this and the pool's attempt to time it out succeeds.
    if (cell().word.compare_exchange_strong(taken, cell_word(number_, CellState::kDone),
                                            std::memory_order_acq_rel, std::memory_order_acquire)) {
      return;
    }
    for (;;) pause();
  }

  void read(void* into, std::size_t size) {
    auto* next = static_cast<std::byte*>(into);
    for (;;) {
      const std::size_t got = tasks_.read_some(next, size);
      if (got != 0) give_space_back();
      size -= got;
      if (size == 0) return;
      if (next != nullptr) next += got;
      POOLMARK_HOOK(kReadingMore);
      await([this] { return tasks_.available() != 0; });
    }
  }

  void give_space_back() noexcept {
    tasks_.publish();
    if (shared().pool_wants_space.load(std::memory_order_seq_cst) != 0 &&
        shared().pool_wants_space.exchange(0, std::memory_order_seq_cst) != 0) {
      bell_.ring();
      bell_.end_rest();
    }
  }

  void write(const std::byte* from, std::size_t size) {
    for (;;) {
      const std::size_t put = results_.write_some(from, size);
      if (put != 0) {
        POOLMARK_HOOK(kBeforePublish);
        results_.publish();
        POOLMARK_HOOK(kAfterPublish);
        bell_.ring();
      }
      size -= put;
      if (size == 0) return;
      from += put;
      POOLMARK_HOOK(kWritingMore);
      await_space();
    }
  }

  /// Until `is_here` says so. False when it does not, and the pool wants this worker to end.
  template <class IsHere>
  bool await(IsHere is_here) {
    if (is_here()) return true;
    // Where the kernel has put this process on the core of the one that woke it, that one can have
    // the answer only if it gets the core back.
    if (std::exchange(was_woken_, false)) offer_core();
    // The next one mostly comes at once. Without a look at the clock, which costs as much as a
    // short task.
    if (look_quickly(is_here)) return true;
    const bool news = spin_until(is_here, worth_spinning()) || sleep(is_here);
    awake_since_ = std::chrono::steady_clock::now();
    tasks_since_ = 0;
    return news;
  }

  /// How long: only after short tasks, because then the next one comes soon.
  std::chrono::microseconds worth_spinning() const {
    constexpr std::chrono::microseconds kShortTask{50};
    // Long enough that one end is still awake when the other has been woken (13 to 25 us a wake)
    // and has done a short task: shorter, and both fall asleep just before the other's news, every
    // time.
    constexpr std::chrono::microseconds kEnough{50};
    const auto busy = std::chrono::steady_clock::now() - awake_since_;
    const bool tasks_are_short = tasks_since_ != 0 && busy <= kShortTask * tasks_since_;
    return shared().may_spin && tasks_are_short ? kEnough : std::chrono::microseconds(0);
  }

  template <class IsHere>
  bool sleep(IsHere is_here) {
    std::atomic<std::uint32_t>& parked = shared().worker_parked;
    for (;;) {
      // seq_cst, then one more look: see ring.hpp.
      parked.store(1, std::memory_order_seq_cst);
      const bool news = is_here();
      if (news || shared().closing.load(std::memory_order_seq_cst) != 0) {
        parked.store(0, std::memory_order_seq_cst);
        return news;
      }
      bell_.end_rest();  // out of work
      POOLMARK_HOOK(kAboutToSleep);
      futex_wait(parked, 1, std::chrono::steady_clock::now() + kLongestSleep, FutexScope::kShared);
      was_woken_ = true;
      POOLMARK_HOOK(kAfterWake);
    }
  }

  void await_space() {
    std::atomic<std::uint32_t>& wanted = shared().worker_wants_space;
    for (;;) {
      wanted.store(1, std::memory_order_seq_cst);
      if (results_.free_space() != 0) break;
      bell_.ring();
      bell_.end_rest();
      futex_wait(wanted, 1, std::chrono::steady_clock::now() + kLongestSleep, FutexScope::kShared);
    }
    wanted.store(0, std::memory_order_seq_cst);
  }

  void forget_large_buffers() noexcept {
    // Keeping them would make one large task cost memory for the rest of the worker's life.
    constexpr std::size_t kWorthKeeping = std::size_t{1} << 20;
    if (call_.size() > kWorthKeeping) call_.release();
    if (answer_.size() > kWorthKeeping) answer_.release();
  }

  Channel channel_;
  Bell bell_;
  RingReader tasks_;
  RingWriter results_;
  std::uint64_t number_ = 1;  // of the task that is next, or runs
  Bytes call_;
  PayloadWindow files_;
  Bytes answer_{&files_};
  std::chrono::steady_clock::time_point awake_since_ = std::chrono::steady_clock::now();
  int tasks_since_ = 0;     // run since then
  bool was_woken_ = false;  // and has not waited since
};

}  // namespace

void run_worker(WorkerEstate estate) noexcept {
  number_of_this_worker = estate.number;
  try {
    WorkerLoop loop(std::move(estate));
    loop.run();
  } catch (const std::exception& error) {
    // No task is to blame: what tasks throw never comes here.
    std::fprintf(stderr, "poolmark: a worker process ends because of %s\n", error.what());
    leave_process(1);
  }
  leave_process(0);
}

}  // namespace detail

std::optional<std::uint64_t> worker_number() noexcept { return detail::number_of_this_worker; }

}  // namespace poolmark
