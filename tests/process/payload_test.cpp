#include <sys/resource.h>

#include <cstring>
#include <filesystem>
#include <memory>
#include <numeric>

#include "process/payload_store.hpp"
#include "process/payload_window.hpp"
#include "process/worker.hpp"
#include "process_pools.hpp"

// Large calls and answers, which cross in memory files.
namespace poolmark::test {
namespace {

using detail::Bytes;
using detail::CellState;
using detail::PayloadFile;
using detail::PayloadStore;
using detail::PayloadWindow;
using detail::SharedBlock;
using detail::TaskCell;
using detail::WorkerTalksNonsense;
using ::testing::Each;

constexpr std::size_t kMebi = std::size_t{1} << 20;

std::ptrdiff_t count_descriptors() {
  return std::ranges::distance(std::filesystem::directory_iterator("/proc/self/fd"),
                               std::filesystem::directory_iterator());
}

const PayloadFile& file(const SharedBlock* block) {
  return *static_cast<const PayloadFile*>(block);
}

// ---- the pool's end

TEST(PayloadStore, gives_what_is_asked_for_and_what_was_given_back_first) {
  PayloadStore store;
  SharedBlock* first = store.obtain(3 * kMebi);
  ASSERT_NE(first, nullptr);
  EXPECT_GE(first->capacity, 3 * kMebi);
  std::memset(first->data, 1, first->capacity);
  SharedBlock* second = store.obtain(3 * kMebi);
  const auto id = file(second).name().id;
  EXPECT_NE(file(first).name().id, id);
  store.give_back(second);
  EXPECT_TRUE(store.has_unused());
  SharedBlock* large = store.obtain(100 * kMebi);
  EXPECT_NE(file(large).name().id, id) << "too small";
  SharedBlock* again = store.obtain(2 * kMebi);
  EXPECT_EQ(file(again).name().id, id);
  SharedBlock* third = store.obtain(3 * kMebi);
  EXPECT_NE(file(third).name().id, id) << "in use";
  for (SharedBlock* block : {first, large, again, third}) store.give_back(block);
}

TEST(PayloadStore, keeps_a_large_file_for_what_needs_it) {
  PayloadStore store;
  SharedBlock* large = store.obtain(100 * kMebi);
  const auto id = file(large).name().id;
  store.give_back(large);
  SharedBlock* small = store.obtain(1);
  EXPECT_NE(file(small).name().id, id);
  large = store.obtain(90 * kMebi);
  EXPECT_EQ(file(large).name().id, id);
  for (SharedBlock* block : {small, large}) store.give_back(block);
}

std::vector<SharedBlock*> obtain_all(PayloadStore& store) {
  std::vector<SharedBlock*> blocks;
  while (SharedBlock* block = store.obtain(1)) blocks.push_back(block);
  return blocks;
}

TEST(PayloadStore, leaves_descriptors_for_others) {
  PayloadStore store;
  const std::vector<SharedBlock*> blocks = obtain_all(store);
  EXPECT_EQ(blocks.size(), 32U);
  store.give_back(blocks.back());
  EXPECT_EQ(store.obtain(1), blocks.back());
  for (SharedBlock* block : blocks) store.give_back(block);
}

TEST(PayloadStore, keeps_so_much_and_drops_it_when_told) {
  const auto before = count_descriptors();
  PayloadStore store;
  SharedBlock* large = store.obtain(200 * kMebi);
  SharedBlock* too_much = store.obtain(100 * kMebi);
  store.give_back(large);
  EXPECT_EQ(store.obtain(200 * kMebi), large);
  store.give_back(large);
  store.give_back(too_much);
  EXPECT_EQ(count_descriptors(), before + 1);
  store.drop_unused();
  EXPECT_EQ(count_descriptors(), before);
  EXPECT_FALSE(store.has_unused());
  const std::vector<SharedBlock*> blocks = obtain_all(store);
  EXPECT_EQ(blocks.size(), 32U) << "those that are gone count no more";
  for (SharedBlock* block : blocks) store.give_back(block);
}

TEST(MemoryFile, can_be_shrunk_by_nobody) {
  const detail::OwnedFd file = detail::make_memory_file("poolmark-test", kMebi);
  EXPECT_EQ(ftruncate(file.get(), 0), -1);
}

TEST(PayloadStore, has_nothing_of_impossible_size) {
  PayloadStore store;
  EXPECT_EQ(store.obtain(~std::size_t{0}), nullptr);
  // Would bring the machine down if the system were asked.
  EXPECT_EQ(store.obtain(detail::physical_memory() / 2), nullptr);
}

TEST(Bytes, long_content_moves_to_shared_memory) {
  PayloadStore store;
  Bytes bytes(&store);
  std::memset(bytes.extend(100'000), 'a', 100'000);
  EXPECT_EQ(bytes.block(), nullptr);
  std::memset(bytes.extend(kMebi), 'b', kMebi);
  ASSERT_NE(bytes.block(), nullptr);
  EXPECT_EQ(bytes.data()[99'999], std::byte{'a'});
  Bytes moved = std::move(bytes);
  EXPECT_EQ(moved.size(), kMebi + 100'000);
  EXPECT_EQ(moved.data(), moved.block()->data);
  moved.release();
  EXPECT_TRUE(store.has_unused());
}

TEST(Bytes, content_that_outgrows_the_last_block_gives_it_back) {
  PayloadStore store;
  std::vector<SharedBlock*> others = obtain_all(store);
  store.give_back(others.back());
  others.pop_back();
  store.drop_unused();
  Bytes bytes(&store);
  std::memset(bytes.extend(kMebi), 'b', kMebi);
  const SharedBlock* last = bytes.block();
  ASSERT_NE(last, nullptr);
  std::memset(bytes.extend(last->capacity), 'c', last->capacity);
  EXPECT_EQ(bytes.block(), nullptr);
  EXPECT_EQ(bytes.data()[kMebi - 1], std::byte{'b'});
  EXPECT_TRUE(store.has_unused());
  for (SharedBlock* block : others) store.give_back(block);
}

TEST(Bytes, what_is_attached_goes_where_they_go_and_when_they_go) {
  auto object = std::make_shared<int>(7);
  const std::weak_ptr<int> watched = object;
  auto first = std::make_unique<Bytes>();
  first->attach(std::move(object));
  Bytes moved = std::move(*first);
  first.reset();
  EXPECT_FALSE(watched.expired());
  moved.release();
  EXPECT_TRUE(watched.expired());
}

// ---- a worker's end

TEST(PayloadWindow, shows_the_file_of_another_process) {
  PayloadStore store;
  SharedBlock* block = store.obtain(kMebi);
  block->data[5] = std::byte{42};
  PayloadWindow window(getpid());
  SharedBlock* view = window.open(file(block).name());
  ASSERT_NE(view, nullptr);
  EXPECT_NE(view->data, block->data);
  EXPECT_EQ(view->data[5], std::byte{42});
  EXPECT_EQ(window.open(file(block).name()), view) << "is mapped still";
  store.give_back(block);
}

TEST(PayloadWindow, tells_when_it_cannot) {
  PayloadWindow window(getpid());
  EXPECT_EQ(window.open({.id = 1, .capacity = kMebi, .descriptor = -1, .unused = 0}), nullptr);
}

TEST(PayloadWindow, lends_for_one_answer_that_fits) {
  SharedBlock block;
  block.capacity = kMebi;
  PayloadWindow window(getpid());
  EXPECT_EQ(window.obtain(1), nullptr);
  window.lend_for_answer(&block);
  EXPECT_EQ(window.obtain(kMebi + 1), nullptr);
  EXPECT_EQ(window.obtain(kMebi), &block);
  EXPECT_EQ(window.obtain(1), nullptr);
}

// ---- between them; the test plays the process

class LargeTask final : public detail::TypedState<int> {
 public:
  LargeTask(PayloadStore& store, std::size_t size) : record(*this, nullptr, true, &store) {
    std::memset(record.bytes.extend(size), 'c', size);
  }
  detail::TaskRecord record;
};

class WorkerPayload : public ::testing::Test {
 protected:
  static constexpr std::size_t kRingBytes = 4096;

  void send(std::size_t size, int retries = 0) {
    task = detail::make_intrusive<LargeTask>(store, size);
    task->record.retries_left = retries;
    task->add_ref();  // the worker's
    worker.send(task->record);
  }
  void answer(std::uint64_t size, detail::CallOutcome outcome, std::uint64_t number = 1) {
    cell(number).size = size;
    cell(number).answer = {.outcome = static_cast<std::uint32_t>(outcome),
                           .check = detail::kAnswerCheck};
    cell(number).word = detail::cell_word(number, CellState::kAnswered);
  }
  void receive() {
    const std::atomic<std::uint32_t>* space_wake = nullptr;
    worker.receive(done, space_wake);
  }
  TaskCell& cell(std::uint64_t number = 1) { return channel.header().cell(number); }
  void TearDown() override {
    detail::TaskList rest;
    worker.take_all(rest);
  }

  PayloadStore store;
  detail::Worker worker{1, kRingBytes, std::nullopt};
  detail::Channel channel = detail::Channel::open(worker.take_memory_file(), kRingBytes);
  detail::IntrusivePtr<LargeTask> task;
  detail::TaskList done;
};

TEST_F(WorkerPayload, GoesInAFileAndSoDoesItsAnswer) {
  send(kMebi);
  EXPECT_FALSE(worker.is_sending()) << "nothing flows through the ring";
  EXPECT_EQ(cell().size & TaskCell::kSizeMask, kMebi);
  EXPECT_TRUE((cell().size & TaskCell::kInFile) != 0 && (cell().size & TaskCell::kFileIsLent) != 0);
  task->record.bytes.block()->data[0] = std::byte{'r'};
  answer(500'000 | TaskCell::kInFile, detail::CallOutcome::kReturned);
  receive();
  ASSERT_EQ(done.size(), 1U);
  EXPECT_EQ(task->record.bytes.size(), 500'000U);
  EXPECT_EQ(task->record.bytes.data()[0], std::byte{'r'});
}

TEST_F(WorkerPayload, IsLentForNoAnswerWhileTheCallMayBeNeededAgain) {
  send(kMebi, 1);
  EXPECT_NE(cell().size & TaskCell::kInFile, 0U);
  EXPECT_EQ(cell().size & TaskCell::kFileIsLent, 0U);
}

TEST_F(WorkerPayload, ComesBackFromAWorkerThatCannotReadItAndGoesThroughTheRing) {
  send(kMebi);
  answer(0, detail::CallOutcome::kUnreadable);
  receive();
  EXPECT_TRUE(done.empty());
  detail::TaskList returned = worker.take_returned();
  ASSERT_EQ(returned.size(), 1U);
  EXPECT_EQ(worker.in_flight(), 0U);
  worker.send(returned.pop_front());
  EXPECT_TRUE(worker.is_sending());
  EXPECT_EQ(cell(2).size & TaskCell::kInFile, 0U);
  // And not a second time, or it could go on like this for ever.
  answer(0, detail::CallOutcome::kUnreadable, 2);
  EXPECT_THROW(receive(), WorkerTalksNonsense);
}

TEST_F(WorkerPayload, RefusesAnswersInFilesThatWereNotLent) {
  send(1'000);
  answer(500 | TaskCell::kInFile, detail::CallOutcome::kReturned);
  EXPECT_THROW(receive(), WorkerTalksNonsense);
}

TEST_F(WorkerPayload, RefusesToHearThatACallInNoFileCouldNotBeRead) {
  send(1'000);
  answer(0, detail::CallOutcome::kUnreadable);
  EXPECT_THROW(receive(), WorkerTalksNonsense);
}

TEST_F(WorkerPayload, RefusesAnswersLargerThanTheFile) {
  send(kMebi);
  answer(1'000 * kMebi | TaskCell::kInFile, detail::CallOutcome::kReturned);
  EXPECT_THROW(receive(), WorkerTalksNonsense);
}

// ---- in a pool

std::vector<double> scaled(std::vector<double> values, double factor) {
  for (double& value : values) value *= factor;
  return values;
}

std::vector<int> made_of(int count, int value) {
  return std::vector<int>(static_cast<std::size_t>(count), value);
}

std::vector<double> ramp(std::size_t count) {
  std::vector<double> values(count);
  std::iota(values.begin(), values.end(), 1.0);
  return values;
}

TEST(ProcessPoolPayload, large_values_cross_both_ways) {
  ProcessPoolExecutor pool(with_workers(2));
  for (const std::size_t count : {kMebi / 64, kMebi / 8, 4 * kMebi}) {
    EXPECT_EQ(pool.submit(scaled, ramp(count), 3.0).take(), scaled(ramp(count), 3.0)) << count;
  }
}

TEST(ProcessPoolPayload, a_large_answer_to_a_small_call_and_the_reverse) {
  ProcessPoolExecutor pool(with_workers(1));
  constexpr int kCount = 2'000'000;
  EXPECT_THAT(pool.submit(made_of, kCount, 7).take(), Each(7));
  EXPECT_EQ(
      pool.submit([](const std::vector<double>& values) { return values.back(); }, ramp(kMebi))
          .result(),
      static_cast<double>(kMebi));
}

TEST(ProcessPoolPayload, more_at_once_than_there_are_files) {
  ProcessPoolExecutor pool(with_workers(2));
  std::vector<Future<std::vector<double>>> futures;
  for (int i = 0; i < 50; ++i) futures.push_back(pool.submit(scaled, ramp(kMebi / 8), 1.0 + i));
  for (int i = 0; i < 50; ++i) {
    EXPECT_EQ(futures[static_cast<std::size_t>(i)].result().back(), (1.0 + i) * (kMebi / 8));
  }
}

/// The worker cannot open any file from now on.
void open_nothing() {
  const rlimit none{0, 0};
  setrlimit(RLIMIT_NOFILE, &none);
}

TEST(ProcessPoolPayload, workers_that_may_not_open_the_files_get_all_through_the_rings) {
  SKIP_WITHOUT_DESCRIPTORS();
  auto options = with_workers(2);
  options.initializer = open_nothing;
  ProcessPoolExecutor pool(options);
  std::vector<Future<std::vector<double>>> futures;
  for (int i = 0; i < 10; ++i) futures.push_back(pool.submit(scaled, ramp(kMebi / 8), 2.0));
  for (const auto& future : futures) EXPECT_EQ(future.result(), scaled(ramp(kMebi / 8), 2.0));
}

TEST(ProcessPoolPayload, a_retry_finds_its_arguments_unharmed) {
  auto options = with_workers(1);
  options.retries_after_worker_death = 1;
  ProcessPoolExecutor pool(options);
  const Event died_once;
  const auto die_first = [](std::vector<double> values, EventName died) {
    if (!died.is_set()) {
      died.set();
      std::memset(static_cast<void*>(values.data()), 0, values.size() * sizeof(double));
      raise(SIGKILL);
    }
    return values;
  };
  EXPECT_EQ(pool.submit(die_first, ramp(kMebi / 8), died_once.name()).result(), ramp(kMebi / 8));
}

TEST(ProcessPoolPayload, nothing_is_left_when_the_pool_is_gone) {
  const auto before = count_descriptors();
  {
    ProcessPoolExecutor pool(with_workers(2));
    for (int i = 0; i < 5; ++i) pool.submit(scaled, ramp(kMebi), 2.0).result();
    EXPECT_GT(count_descriptors(), before);
    pool.shutdown();
    EXPECT_EQ(count_descriptors(), before);
  }
}

}  // namespace
}  // namespace poolmark::test
