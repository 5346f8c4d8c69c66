#include <gtest/gtest.h>

#include "process/worker.hpp"

// The clock of a task with a deadline; the test plays the process at the other end of the channel,
// and the time.
namespace poolmark::detail {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using Clock = Worker::Clock;

constexpr std::size_t kRingBytes = 4096;
constexpr milliseconds kAllowed{50};

class SomeTask final : public TypedState<int> {
 public:
  SomeTask() : record(*this, nullptr, true, nullptr) {}
  TaskRecord record;
};

class WorkerDeadline : public ::testing::Test {
 protected:
  WorkerDeadline() { send(); }
  void TearDown() override {
    TaskList rest;
    worker.take_all(rest);
  }

  void send() {
    task->record.deadline = kAllowed;
    task->add_ref();  // the worker's
    worker.send(task->record);
  }
  bool move_cell(CellState from, CellState to) {
    const std::uint64_t number = task->record.number;
    std::uint64_t expected = cell_word(number, from);
    return channel.header().cell(number).word.compare_exchange_strong(expected,
                                                                      cell_word(number, to));
  }
  void begin(Clock::time_point when) {
    ASSERT_TRUE(move_cell(CellState::kQueued, CellState::kTaken));
    channel.header().started_at = std::chrono::nanoseconds(when.time_since_epoch()).count();
  }
  bool end() { return move_cell(CellState::kTaken, CellState::kDone); }
  void answer() {
    TaskCell& cell = channel.header().cell(task->record.number);
    cell.size = 0;
    cell.answer = {.outcome = static_cast<std::uint32_t>(CallOutcome::kReturned),
                   .check = kAnswerCheck};
    ASSERT_TRUE(move_cell(CellState::kDone, CellState::kAnswered));
    const std::atomic<std::uint32_t>* space_wake = nullptr;
    ASSERT_TRUE(worker.receive(done, space_wake));
  }

  const Clock::time_point now = Clock::now();
  Worker worker{1, kRingBytes, std::nullopt};
  Channel channel = Channel::open(worker.take_memory_file(), kRingBytes);
  IntrusivePtr<SomeTask> task = make_intrusive<SomeTask>();
  TaskList done;
};

TEST_F(WorkerDeadline, DoesNotRunWhileTheTaskWaits) {
  EXPECT_FALSE(worker.is_overdue(now + hours(1)));
  // Nor could it be overdue before the whole of the deadline has passed again.
  EXPECT_EQ(worker.next_look(), now + hours(1) + kAllowed);
  begin(now + hours(2));
  EXPECT_FALSE(worker.is_overdue(now + hours(2)));
  EXPECT_FALSE(worker.is_overdue(now + hours(2) + kAllowed - milliseconds(1)));
  EXPECT_EQ(worker.next_look(), now + hours(2) + kAllowed);
  EXPECT_TRUE(worker.is_overdue(now + hours(2) + kAllowed));
}

TEST_F(WorkerDeadline, LeavesATaskThatEndedBeforeThePoolLooked) {
  begin(now);
  EXPECT_TRUE(end());
  EXPECT_FALSE(worker.is_overdue(now + hours(1)));
  EXPECT_EQ(worker.next_look(), std::nullopt);
  EXPECT_TRUE(worker.has_taken(task->record));
}

TEST_F(WorkerDeadline, LeavesNoEndToATaskThatThePoolHasTimedOut) {
  begin(now);
  EXPECT_TRUE(worker.is_overdue(now + hours(1)));
  EXPECT_FALSE(end());
  EXPECT_FALSE(worker.is_overdue(now + hours(2))) << "decided twice";
  EXPECT_TRUE(worker.has_taken(task->record));
}

TEST_F(WorkerDeadline, OfATaskBehindAnotherBeginsWithItself) {
  begin(now + hours(1));
  EXPECT_FALSE(worker.is_overdue(now + hours(1)));
  EXPECT_TRUE(end());
  answer();
  task = make_intrusive<SomeTask>();
  send();
  begin(now + hours(2));
  EXPECT_FALSE(worker.is_overdue(now + hours(2)));
  EXPECT_EQ(worker.next_look(), now + hours(2) + kAllowed);
  EXPECT_TRUE(worker.is_overdue(now + hours(2) + kAllowed));
}

TEST_F(WorkerDeadline, CannotBePutOffByAWildClock) {
  begin(now + hours(1000));
  EXPECT_FALSE(worker.is_overdue(now + hours(1)));
  EXPECT_TRUE(worker.is_overdue(now + hours(1) + kAllowed));
}

TEST_F(WorkerDeadline, LeavesNoRoomForAnotherTask) {
  EXPECT_FALSE(worker.has_room(kCells));
  ASSERT_TRUE(worker.revoke(task->record));
  task->drop_ref();
  EXPECT_TRUE(worker.has_room(1));
  EXPECT_EQ(worker.next_look(), std::nullopt);
  EXPECT_FALSE(worker.is_overdue(now + hours(1)));
}

}  // namespace
}  // namespace poolmark::detail
