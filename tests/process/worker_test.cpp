#include "process/worker.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <string>

#include "process_pools.hpp"

// One worker as the pool sees it; the test plays the process at the other end of the channel.
namespace poolmark::detail {
namespace {

constexpr std::size_t kRingBytes = 4096;

class SomeTask final : public TypedState<int> {
 public:
  explicit SomeTask(std::size_t bytes = 8) : record(*this, nullptr, true, nullptr) {
    record.bytes.extend(bytes);
  }
  TaskRecord record;
};

/// The process's end.
struct OtherEnd {
  explicit OtherEnd(Worker& worker)
      : channel(Channel::open(worker.take_memory_file(), kRingBytes)),
        tasks(channel.task_reader()),
        results(channel.result_writer()) {}

  TaskCell& cell(std::uint64_t number) { return channel.header().cell(number); }
  void skip_bytes(std::size_t bytes) {
    EXPECT_EQ(tasks.read_some(nullptr, bytes), bytes);
    tasks.publish();
  }
  bool take(std::uint64_t number) {
    std::uint64_t queued = cell_word(number, CellState::kQueued);
    return cell(number).word.compare_exchange_strong(queued, cell_word(number, CellState::kTaken));
  }
  void pass_revoked(std::uint64_t number) {
    EXPECT_EQ(cell(number).word, cell_word(number, CellState::kRevoked));
    cell(number).word = cell_word(number, CellState::kSkipped);
  }
  void write(const void* bytes, std::size_t size) {
    EXPECT_EQ(results.write_some(bytes, size), size);
    results.publish();
  }
  /// The answer up to its bytes, which follow through the ring if there are many.
  void answer(std::uint64_t number, std::uint64_t size, std::uint32_t outcome = 0,
              std::uint32_t check = kAnswerCheck) {
    TaskCell& answered = cell(number);
    answered.size = size;
    answered.answer = {.outcome = outcome, .check = check};
    std::memset(answered.bytes, 'r', sizeof answered.bytes);
    answered.word = cell_word(number, CellState::kAnswered);
  }

  Channel channel;
  RingReader tasks;
  RingWriter results;
};

class WorkerTest : public ::testing::Test {
 protected:
  SomeTask& send(std::size_t bytes = 8) {
    tasks_.push_back(make_intrusive<SomeTask>(bytes));
    SomeTask& task = *tasks_.back();
    task.add_ref();  // the worker's
    worker.send(task.record);
    return task;
  }
  bool receive() {
    const std::atomic<std::uint32_t>* space_wake = nullptr;
    return worker.receive(done, space_wake);
  }
  void TearDown() override {
    TaskList rest;
    worker.take_all(rest);
  }

  Worker worker{1, kRingBytes, std::nullopt};
  OtherEnd other{worker};
  TaskList done;

 private:
  std::vector<IntrusivePtr<SomeTask>> tasks_;
};

TEST_F(WorkerTest, GivesATaskToExactlyOneOfTakerAndRevoker) {
  SomeTask& first = send();
  SomeTask& second = send();
  EXPECT_TRUE(other.take(1));
  EXPECT_TRUE(worker.has_taken(first.record));
  EXPECT_FALSE(worker.revoke(first.record));

  ASSERT_TRUE(worker.revoke(second.record));
  second.drop_ref();
  EXPECT_FALSE(other.take(2));
  EXPECT_EQ(worker.in_flight(), 1U);
}

TEST_F(WorkerTest, SendsNoMoreThanThereAreCells) {
  for (std::size_t i = 0; i < kCells; ++i) {
    EXPECT_TRUE(worker.has_room(2 * kCells));
    send();
  }
  EXPECT_FALSE(worker.has_room(2 * kCells));
  EXPECT_TRUE(other.take(1));
  EXPECT_FALSE(worker.has_room(2 * kCells));
  other.answer(1, 0);
  EXPECT_TRUE(receive());
  EXPECT_TRUE(worker.has_room(2 * kCells));
}

TEST_F(WorkerTest, UsesTheCellOfARevokedTaskOnceTheProcessHasPassedIt) {
  for (std::size_t i = 0; i < kCells; ++i) {
    SomeTask& task = send();
    ASSERT_TRUE(worker.revoke(task.record));
    task.drop_ref();
  }
  EXPECT_FALSE(worker.has_news());
  EXPECT_FALSE(worker.has_room(kCells));
  other.pass_revoked(1);
  EXPECT_TRUE(worker.has_news());
  EXPECT_TRUE(receive());
  EXPECT_TRUE(worker.has_room(kCells));
  SomeTask& fresh = send();
  EXPECT_FALSE(other.take(1));  // an old word is no word about its successor
  EXPECT_TRUE(other.take(1 + kCells));
  EXPECT_TRUE(worker.has_taken(fresh.record));
}

TEST_F(WorkerTest, MatchesAnswersToTasksBehindRevokedOnes) {
  SomeTask& revoked = send();
  SomeTask& kept = send();
  ASSERT_TRUE(worker.revoke(revoked.record));
  revoked.drop_ref();
  EXPECT_FALSE(receive());
  other.pass_revoked(1);
  other.take(2);
  other.answer(2, 4);
  EXPECT_TRUE(receive());
  ASSERT_EQ(done.size(), 1U);
  EXPECT_EQ(&done.front(), &kept.record);
  EXPECT_EQ(kept.record.bytes.size(), 4U);
  EXPECT_EQ(worker.in_flight(), 0U);
}

TEST_F(WorkerTest, WritesALargeTaskInPiecesAsRoomComes) {
  constexpr std::size_t kLarge = 3 * kRingBytes;
  send(kLarge);
  EXPECT_TRUE(worker.is_sending());
  EXPECT_FALSE(worker.has_room(kCells));
  EXPECT_EQ(other.channel.header().pool_wants_space.load(), 1U);
  EXPECT_EQ(other.cell(1).size, kLarge);
  std::size_t read = 0;
  while (worker.is_sending()) {
    const std::size_t piece = other.tasks.available();
    other.skip_bytes(piece);
    read += piece;
    worker.feed();
  }
  read += other.tasks.available();
  EXPECT_EQ(read, kLarge);
}

TEST_F(WorkerTest, HasNoTaskForOthersInACallThatIsHalfWritten) {
  constexpr std::size_t kLarge = 2 * kRingBytes;
  send();
  ASSERT_TRUE(other.take(1));
  SomeTask& large = send(kLarge);
  ASSERT_TRUE(worker.is_sending());
  EXPECT_EQ(worker.first_waiting(), nullptr);
  other.skip_bytes(kRingBytes);
  worker.feed();
  ASSERT_FALSE(worker.is_sending());
  EXPECT_EQ(worker.first_waiting(), &large.record);
}

TEST_F(WorkerTest, IsWokenOnceIfItSleeps) {
  EXPECT_EQ(worker.claim_wake(), nullptr);
  other.channel.header().worker_parked = 1;
  const std::atomic<std::uint32_t>* word = worker.claim_wake();
  ASSERT_NE(word, nullptr);
  EXPECT_EQ(*word, 0U);
  EXPECT_EQ(worker.claim_wake(), nullptr);
}

TEST_F(WorkerTest, IsWokenWhenItsAnswerHasRoom) {
  send();
  other.take(1);
  other.answer(1, 2 * kRingBytes);
  other.write(std::string(kRingBytes, 'r').data(), kRingBytes);
  other.channel.header().worker_wants_space = 1;
  const std::atomic<std::uint32_t>* space_wake = nullptr;
  EXPECT_TRUE(worker.receive(done, space_wake));
  ASSERT_NE(space_wake, nullptr);
  EXPECT_EQ(*space_wake, 0U);
}

TEST_F(WorkerTest, ReadsALargeAnswerInPieces) {
  constexpr std::size_t kLarge = 3 * kRingBytes;
  SomeTask& task = send();
  other.take(1);
  other.answer(1, kLarge);
  const std::string text(kLarge, 'r');
  for (std::size_t sent = 0; sent < kLarge;) {
    sent += other.results.write_some(text.data() + sent, kLarge - sent);
    other.results.publish();
    EXPECT_TRUE(done.empty());
    EXPECT_TRUE(receive());
  }
  ASSERT_EQ(done.size(), 1U);
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(task.record.bytes.data()), kLarge), text);
}

TEST_F(WorkerTest, KeepsTheCallOfATaskThatMayBeRetried) {
  SomeTask& task = send(8);
  task.record.retries_left = 1;
  other.take(1);
  other.answer(1, 100);
  other.write("abc", 3);
  receive();
  TaskList unfinished;
  worker.take_all(unfinished);
  EXPECT_EQ(task.record.bytes.size(), 8U);
}

TEST(WorkerQuota, IsNotUsedUpByATaskThatWasTakenBack) {
  Worker worker(1, kRingBytes, 1);
  const auto task = make_intrusive<SomeTask>();
  task->add_ref();  // the worker's
  worker.send(task->record);
  EXPECT_TRUE(worker.is_spent());
  ASSERT_TRUE(worker.revoke(task->record));
  task->drop_ref();
  EXPECT_FALSE(worker.is_spent());
}

// ---- what a worker with a wild pointer may write --------------------------------------

TEST_F(WorkerTest, RefusesWordsThatNoWorkerWrites) {
  const std::uint64_t words[] = {0, cell_word(99, CellState::kAnswered),
                                 cell_word(1, CellState::kFree), cell_word(1, CellState::kSkipped),
                                 ~std::uint64_t{0}};
  send();
  for (const std::uint64_t word : words) {
    other.cell(1).word = word;
    EXPECT_TRUE(worker.has_news()) << word;
    EXPECT_THROW(receive(), WorkerTalksNonsense) << word;
  }
}

TEST_F(WorkerTest, RefusesAnAnswerToARevokedTask) {
  SomeTask& task = send();
  ASSERT_TRUE(worker.revoke(task.record));
  task.drop_ref();
  other.answer(1, 0);
  EXPECT_THROW(receive(), WorkerTalksNonsense);
}

TEST_F(WorkerTest, RefusesAnswersOfImpossibleSizeOutcomeOrMark) {
  send();
  // Everything else about the answer is right.
  other.take(1);
  other.answer(1, ~std::uint64_t{0});
  EXPECT_THROW(receive(), WorkerTalksNonsense);
  other.answer(1, 8, 77);
  EXPECT_THROW(receive(), WorkerTalksNonsense);
  other.answer(1, 8, 0, 12345);
  EXPECT_THROW(receive(), WorkerTalksNonsense);
}

TEST_F(WorkerTest, RefusesCountersThatMakeNoSense) {
  send();
  other.take(1);
  other.answer(1, 2 * TaskCell::kInlineBytes);
  other.channel.header().results.written.store(10 * kRingBytes);
  EXPECT_THROW(receive(), WorkerTalksNonsense);
}

}  // namespace
}  // namespace poolmark::detail
