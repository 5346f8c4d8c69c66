#include "poolmark/shared_buffer.hpp"

#include <atomic>
#include <filesystem>
#include <numeric>

#include "executors.hpp"
#include "process/shared_memory.hpp"
#include "process_pools.hpp"

// Memory that a process and its workers share.
namespace poolmark::test {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;

void write_squares(SharedBuffer<int> into, int first, int count) {
  for (int i = first; i < first + count; ++i) into[static_cast<std::size_t>(i)] = i * i;
}

TEST(SharedBuffer, begins_with_zeros_and_is_a_handle) {
  const SharedBuffer<int> one(1'000);
  EXPECT_EQ(one.size(), 1'000U);
  EXPECT_THAT(one.span(), Each(0));
  const SharedBuffer<int> other = one;
  other[3] = 5;
  EXPECT_EQ(one[3], 5);
  EXPECT_EQ(one, other);
  EXPECT_NE(one, SharedBuffer<int>(1'000));
}

TEST(SharedBuffer, may_be_empty) {
  ProcessPoolExecutor pool(with_workers(1));
  EXPECT_TRUE(SharedBuffer<int>().empty());
  EXPECT_TRUE(SharedBuffer<int>(0).empty());
  const auto size_of = [](const SharedBuffer<int>& buffer) { return buffer.size(); };
  EXPECT_EQ(pool.submit(size_of, SharedBuffer<int>()).result(), 0U);
}

TEST(SharedBuffer, is_refused_when_it_is_larger_than_any_memory) {
  EXPECT_THROW(SharedBuffer<int>(~std::size_t{0} / 2), std::length_error);
  EXPECT_THROW_WITH(SharedBuffer<char>(std::size_t{1} << 50), std::system_error,
                    "cannot reserve 1125899906842624 bytes of shared memory: the machine has");
}

TEST(SharedBuffer, what_tasks_write_is_seen_by_who_has_their_results) {
  ProcessPoolExecutor pool(with_workers(2));
  const SharedBuffer<int> squares(1'000);
  std::vector<Future<void>> parts;
  for (int first = 0; first < 1'000; first += 100) {
    parts.push_back(pool.submit(write_squares, squares, first, 100));
  }
  wait(parts);
  for (int i = 0; i < 1'000; ++i) ASSERT_EQ(squares[static_cast<std::size_t>(i)], i * i);
}

TEST(SharedBuffer, what_was_written_before_submit_is_seen_by_the_task) {
  ProcessPoolExecutor pool(with_workers(1));
  const SharedBuffer<double> values(4);
  const auto sum = [](const SharedBuffer<double>& buffer) {
    return std::accumulate(buffer.begin(), buffer.end(), 0.0);
  };
  for (int round = 1; round <= 3; ++round) {
    std::ranges::fill(values, round);
    EXPECT_EQ(pool.submit(sum, values).result(), 4.0 * round);
  }
}

TEST(SharedBuffer, comes_back_as_the_same_memory) {
  ProcessPoolExecutor pool(with_workers(1));
  const SharedBuffer<int> buffer(3);
  const auto fill = [](SharedBuffer<int> mine) {
    std::iota(mine.begin(), mine.end(), 1);
    return mine;
  };
  const SharedBuffer<int> returned = pool.submit(fill, buffer).result();
  EXPECT_EQ(returned, buffer);
  EXPECT_THAT(buffer.span(), ElementsAre(1, 2, 3));
}

TEST(SharedBuffer, lives_as_long_as_a_task_that_was_given_it) {
  ProcessPoolExecutor pool(with_workers(1));
  const Event begun;
  const Event may_end;
  const auto holder = pool.submit(hold, begun.name(), may_end.name());
  begun.wait();
  // Waits behind the holder, and nobody else has a handle.
  const auto last = [](const SharedBuffer<int>& buffer) { return buffer[buffer.size() - 1]; };
  SharedBuffer<int> buffer(100);
  buffer[99] = 7;
  const auto future = pool.submit(last, std::move(buffer));
  buffer = {};
  may_end.set();
  EXPECT_EQ(future.result(), 7);
}

TEST(SharedBuffer, that_a_task_has_made_cannot_leave_it) {
  ProcessPoolExecutor pool(with_workers(1));
  const auto make = [] { return SharedBuffer<int>(10); };
  EXPECT_THROW_WITH(pool.submit(make).result(), Error,
                    "a task cannot return a SharedBuffer that it has made");
}

TEST(SharedBuffer, is_counted_across_processes) {
  ProcessPoolExecutor pool(with_workers(2));
  const SharedBuffer<long> counter(1);
  const auto count = [](SharedBuffer<long> shared, int times) {
    const std::atomic_ref<long> value(shared[0]);
    for (int i = 0; i < times; ++i) value.fetch_add(1, std::memory_order_relaxed);
  };
  const auto a = pool.submit(count, counter, 100'000);
  const auto b = pool.submit(count, counter, 100'000);
  a.result();
  b.result();
  EXPECT_EQ(counter[0], 200'000);
}

TEST(SharedBuffer, gives_its_memory_back_though_a_worker_keeps_it_mapped) {
  static const int* kept = nullptr;  // the worker's
  ProcessPoolExecutor pool(with_workers(1));
  {
    const SharedBuffer<int> buffer(1'000);
    buffer[3] = 7;
    const auto keep = [](const SharedBuffer<int>& mapped) { return *(kept = &mapped[3]); };
    EXPECT_EQ(pool.submit(keep, buffer).result(), 7);
  }
  // What was given back reads as zeros.
  EXPECT_EQ(pool.submit([] { return *kept; }).result(), 0);
}

TEST(SharedBuffer, works_in_threads) {
  ThreadPoolExecutor pool(2);
  const SharedBuffer<int> squares(10);
  pool.submit(write_squares, squares, 0, 10).result();
  EXPECT_EQ(squares[9], 81);
}

std::ptrdiff_t open_descriptors() {
  return std::ranges::distance(std::filesystem::directory_iterator("/proc/self/fd"),
                               std::filesystem::directory_iterator());
}

TEST(SharedBuffer, leaves_no_descriptor) {
  const auto before = open_descriptors();
  { const SharedBuffer<int> buffer(100); }
  EXPECT_EQ(open_descriptors(), before);
}

TEST(SharedBuffer, takes_no_descriptor_of_a_worker_that_keeps_it_mapped) {
  ProcessPoolExecutor pool(with_workers(1));
  const auto before = pool.submit(open_descriptors).result();
  const SharedBuffer<int> buffer(100);
  pool.submit(write_squares, buffer, 0, 100).result();
  EXPECT_EQ(pool.submit(open_descriptors).result(), before);
}

/// The descriptor of the only SharedBuffer that this process has made.
int descriptor_of_buffer() {
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    std::error_code gone;
    const std::string target = std::filesystem::read_symlink(entry, gone);
    if (target.find("poolmark-buffer") != std::string::npos) {
      return std::stoi(entry.path().filename());
    }
  }
  throw std::logic_error("no descriptor is a SharedBuffer's");
}

TEST(SharedBuffer, whose_descriptor_was_put_to_another_use_is_refused) {
  ProcessPoolExecutor pool(with_workers(1));
  const SharedBuffer<int> buffer(100);
  const int descriptor = descriptor_of_buffer();
  const int original = dup(descriptor);
  const detail::OwnedFd other = detail::make_memory_file("poolmark-test", 4);
  ASSERT_EQ(dup2(other.get(), descriptor), descriptor);
  EXPECT_THROW_WITH(pool.submit(write_squares, buffer, 0, 100).result(), Error,
                    "cannot be opened here: its file is another one now");
  ASSERT_EQ(dup2(original, descriptor), descriptor);
  close(original);
  EXPECT_NO_THROW(pool.submit(write_squares, buffer, 0, 100).result());
}

}  // namespace
}  // namespace poolmark::test
