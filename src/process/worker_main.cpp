#include "process/worker_main.hpp"

#include <unistd.h>

#include <cstdlib>

#include "poolmark/detail/futex.hpp"
#include "poolmark/detail/wire_call.hpp"
#include "process/bell.hpp"
#include "process/channel.hpp"
#include "process/child_process.hpp"
#include "process/relax.hpp"

namespace poolmark::detail {
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

class WorkerLoop {
 public:
  explicit WorkerLoop(WorkerEstate estate)
      : channel_(Channel::open(std::move(estate.channel), estate.ring_bytes)),
        bell_(Bell::open(std::move(estate.bell_memory), std::move(estate.bell_event))),
        tasks_(channel_.task_reader()),
        results_(channel_.result_writer()) {}

  void run() {
    channel_of_this_process = &channel_.header();
    on_exit(report_exit, nullptr);
    while (read_header()) {
      if (!take()) {
        read(nullptr, task_.size);
      } else if (run_task() == CallOutcome::kThrew && task_.slot == kNoSlot) {
        // The initializer threw: the tasks that stand behind it must not run in here.
        return;
      }
    }
  }

 private:
  ChannelHeader& shared() const noexcept { return channel_.header(); }

  void now_doing(Doing what) noexcept {
    // Release: the last word before a death is what the pool reports.
    shared().doing.store(what, std::memory_order_release);
  }

  /// False when there is no task and will be none.
  bool read_header() {
    now_doing(Doing::kWaiting);
    if (!await_tasks()) return false;
    read(&task_, sizeof task_);
    // Before it is taken: a death from then on is a death with this task.
    now_doing(Doing::kReadingArguments);
    return true;
  }

  /// From here on, or not at all, the task is this worker's.
  bool take() noexcept {
    if (task_.slot == kNoSlot) return true;
    std::uint64_t queued = slot_word(task_.number, SlotState::kQueued);
    // Fails if the pool revoked it, and also if it has given the slot to a later task since.
    // Acquire-release: the pool that sees "taken" must not see effects of the task before it.
    return shared().slots[task_.slot % kSlots].compare_exchange_strong(
        queued, slot_word(task_.number, SlotState::kTaken), std::memory_order_acq_rel,
        std::memory_order_acquire);
  }

  CallOutcome run_task() {
    call_.clear();
    read(call_.extend(task_.size), task_.size);
    answer_.clear();
    answer_.extend(sizeof(ResultHeader));  // one write for both
    WireReader call(call_.data(), call_.size());
    now_doing(Doing::kRunning);
    const auto thunk = reinterpret_cast<CallThunk>(task_.thunk);
    const CallOutcome outcome = thunk(call, answer_);
    now_doing(Doing::kWritingResult);
    const ResultHeader header{.number = task_.number,
                              .size = answer_.size() - sizeof(ResultHeader),
                              .outcome = static_cast<std::uint32_t>(outcome),
                              .check = kResultCheck};
    std::memcpy(answer_.data(), &header, sizeof header);
    write(answer_.data(), answer_.size());
    forget_large_buffers();
    ++tasks_since_;
    return outcome;
  }

  void read(void* into, std::size_t size) {
    auto* next = static_cast<std::byte*>(into);
    for (;;) {
      const std::size_t got = tasks_.read_some(next, size);
      if (got != 0) give_space_back();
      size -= got;
      if (size == 0) return;
      if (next != nullptr) next += got;
      await_tasks();
    }
  }

  void give_space_back() noexcept {
    tasks_.publish();
    if (shared().pool_wants_space.load(std::memory_order_seq_cst) != 0 &&
        shared().pool_wants_space.exchange(0, std::memory_order_seq_cst) != 0) {
      bell_.ring();
    }
  }

  void write(const std::byte* from, std::size_t size) {
    for (;;) {
      const std::size_t put = results_.write_some(from, size);
      if (put != 0) {
        results_.publish();
        bell_.ring();
      }
      size -= put;
      if (size == 0) return;
      from += put;
      await_space();
    }
  }

  /// False when the ring is empty and the pool wants this worker to end.
  bool await_tasks() {
    if (tasks_.available() != 0) return true;
    const bool news = spin_for_tasks() || sleep_for_tasks();
    awake_since_ = std::chrono::steady_clock::now();
    tasks_since_ = 0;
    return news;
  }

  /// Only after short tasks: the next one comes soon, and few workers spin at a time.
  bool spin_for_tasks() {
    constexpr std::chrono::microseconds kWorthSpinning{50};
    const auto busy = std::chrono::steady_clock::now() - awake_since_;
    if (tasks_since_ == 0 || busy > kWorthSpinning * tasks_since_) return false;
    Relax relax;
    while (relax.once()) {
      if (tasks_.available() != 0) return true;
    }
    return false;
  }

  bool sleep_for_tasks() {
    std::atomic<std::uint32_t>& parked = shared().worker_parked;
    for (;;) {
      // seq_cst, then one more look: see ring.hpp.
      parked.store(1, std::memory_order_seq_cst);
      const bool news = tasks_.available() != 0;
      if (news || shared().closing.load(std::memory_order_seq_cst) != 0) {
        parked.store(0, std::memory_order_seq_cst);
        return news;
      }
      futex_wait(parked, 1, std::chrono::steady_clock::now() + kLongestSleep, FutexScope::kShared);
    }
  }

  void await_space() {
    std::atomic<std::uint32_t>& wanted = shared().worker_wants_space;
    for (;;) {
      wanted.store(1, std::memory_order_seq_cst);
      if (results_.free_space() != 0) break;
      bell_.ring();
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
  TaskHeader task_{};
  Bytes call_;
  Bytes answer_;
  std::chrono::steady_clock::time_point awake_since_ = std::chrono::steady_clock::now();
  int tasks_since_ = 0;  // run since then
};

}  // namespace

void run_worker(WorkerEstate estate) noexcept {
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

}  // namespace poolmark::detail
