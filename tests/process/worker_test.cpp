#include "process/worker.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "process_pools.hpp"

// One worker as the pool sees it; the test plays the process at the other end of the channel.
namespace poolmark::detail {
namespace {

constexpr std::size_t kRingBytes = 4096;

class SomeTask final : public TypedState<int> {
 public:
  explicit SomeTask(std::size_t bytes = 8) : record(*this, nullptr, true) {
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

  TaskHeader read_header() {
    TaskHeader header{};
    EXPECT_EQ(tasks.read_some(&header, sizeof header), sizeof header);
    tasks.publish();
    return header;
  }
  void skip(std::size_t bytes) {
    EXPECT_EQ(tasks.read_some(nullptr, bytes), bytes);
    tasks.publish();
  }
  bool take(const TaskHeader& header) {
    std::uint64_t queued = slot_word(header.number, SlotState::kQueued);
    return channel.header().slots[header.slot].compare_exchange_strong(
        queued, slot_word(header.number, SlotState::kTaken));
  }
  void write(const void* bytes, std::size_t size) {
    EXPECT_EQ(results.write_some(bytes, size), size);
    results.publish();
  }
  void answer(std::uint64_t number, std::uint64_t size) {
    const ResultHeader header{number, size, 0, kResultCheck};
    write(&header, sizeof header);
    const std::string text(size, 'r');
    write(text.data(), text.size());
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
  const TaskHeader first_header = other.read_header();
  other.skip(first_header.size);
  EXPECT_TRUE(other.take(first_header));
  EXPECT_TRUE(worker.has_taken(first.record));
  EXPECT_FALSE(worker.revoke(first.record));

  ASSERT_TRUE(worker.revoke(second.record));
  second.drop_ref();
  EXPECT_FALSE(worker.has_taken(second.record));
  EXPECT_FALSE(other.take(other.read_header()));
  EXPECT_EQ(worker.in_flight(), 1U);
}

TEST_F(WorkerTest, DoesNotMistakeAnOldRecordForTheNewTaskInItsSlot) {
  SomeTask& old = send();
  ASSERT_TRUE(worker.revoke(old.record));
  old.drop_ref();
  SomeTask& fresh = send();
  const TaskHeader old_header = other.read_header();
  other.skip(old_header.size);
  const TaskHeader fresh_header = other.read_header();
  ASSERT_EQ(old_header.slot, fresh_header.slot);
  EXPECT_FALSE(other.take(old_header));
  EXPECT_TRUE(other.take(fresh_header));
  EXPECT_TRUE(worker.has_taken(fresh.record));
}

TEST_F(WorkerTest, MatchesAnswersToTasksBehindRevokedOnes) {
  SomeTask& revoked = send();
  SomeTask& kept = send();
  ASSERT_TRUE(worker.revoke(revoked.record));
  revoked.drop_ref();
  other.skip(other.read_header().size);
  const TaskHeader header = other.read_header();
  other.take(header);
  other.answer(header.number, 4);
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
  EXPECT_FALSE(worker.has_room(kSlots));
  EXPECT_EQ(other.channel.header().pool_wants_space.load(), 1U);
  EXPECT_EQ(other.read_header().size, kLarge);
  std::size_t read = 0;
  while (worker.is_sending()) {
    const std::size_t piece = other.tasks.available();
    other.skip(piece);
    read += piece;
    worker.feed();
  }
  read += other.tasks.available();
  EXPECT_EQ(read, kLarge);
}

TEST_F(WorkerTest, ReadsALargeAnswerInPieces) {
  constexpr std::size_t kLarge = 3 * kRingBytes;
  SomeTask& task = send();
  const TaskHeader header = other.read_header();
  other.take(header);
  const ResultHeader result{header.number, kLarge, 0, kResultCheck};
  other.write(&result, sizeof result);
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
  const TaskHeader header = other.read_header();
  other.take(header);
  const ResultHeader half_an_answer{header.number, 100, 0, kResultCheck};
  other.write(&half_an_answer, sizeof half_an_answer);
  other.write("abc", 3);
  receive();
  TaskList unfinished;
  worker.take_all(unfinished);
  EXPECT_EQ(task.record.bytes.size(), 8U);
}

// ---- what a worker with a wild pointer may write --------------------------------------

TEST_F(WorkerTest, RefusesAnAnswerToATaskThatWasNotSent) {
  send();
  other.answer(99, 0);
  EXPECT_THROW(receive(), WorkerTalksNonsense);
}

TEST_F(WorkerTest, RefusesAnAnswerToATaskThatWasNotTaken) {
  send();
  other.answer(other.read_header().number, 0);
  EXPECT_THROW(receive(), WorkerTalksNonsense);
}

TEST_F(WorkerTest, RefusesAnswersOfImpossibleSizeOutcomeOrMark) {
  const ResultHeader headers[] = {
      {1, ~std::uint64_t{0}, 0, kResultCheck}, {1, 8, 77, kResultCheck}, {1, 8, 0, 12345}};
  for (const ResultHeader& header : headers) {
    // Everything else about the answer is right.
    auto task = make_intrusive<SomeTask>();
    TaskList unfinished;
    Worker fresh(2, kRingBytes, std::nullopt);
    OtherEnd end(fresh);
    task->add_ref();
    fresh.send(task->record);
    ASSERT_TRUE(end.take(end.read_header()));
    end.write(&header, sizeof header);
    const std::atomic<std::uint32_t>* space_wake = nullptr;
    EXPECT_THROW(fresh.receive(done, space_wake), WorkerTalksNonsense);
    fresh.take_all(unfinished);
  }
}

TEST_F(WorkerTest, RefusesCountersThatMakeNoSense) {
  send();
  other.channel.header().results.written.store(10 * kRingBytes);
  EXPECT_THROW(receive(), WorkerTalksNonsense);
}

}  // namespace
}  // namespace poolmark::detail
