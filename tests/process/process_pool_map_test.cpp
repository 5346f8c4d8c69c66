#include <csignal>
#include <list>
#include <numeric>
#include <set>
#include <string>

#include "process_pools.hpp"

// Maps over worker processes: elements that cost little go many at a time.
namespace poolmark::test {
namespace {

using ::testing::ElementsAre;

constexpr int kMany = 200'000;

int fail_at_multiples_of_30000(int x) {
  if (x % 30'000 == 0 && x != 0) throw std::out_of_range(std::to_string(x));
  return x + 1;
}

TEST(ProcessPoolMap, many_short_elements_by_time) {
  ProcessPoolExecutor pool(with_workers(2));
  int expected = 0;
  for (const int value : pool.map(increment, std::views::iota(0, kMany))) {
    ASSERT_EQ(value, ++expected);
  }
  EXPECT_EQ(expected, kMany);
}

TEST(ProcessPoolMap, an_error_stays_at_its_element_inside_a_large_chunk) {
  ProcessPoolExecutor pool(with_workers(2));
  std::vector<int> input(kMany);
  std::iota(input.begin(), input.end(), 0);
  auto results = pool.map(fail_at_multiples_of_30000, input);
  std::vector<std::string> errors;
  int sum_of_wrong = 0;
  int i = 0;
  for (auto it = results.begin(); it != results.end(); ++it, ++i) {
    try {
      sum_of_wrong += *it == i + 1 ? 0 : 1;
    } catch (const std::out_of_range& error) {
      errors.emplace_back(error.what());
      EXPECT_EQ(error.what(), std::to_string(i));
    }
  }
  EXPECT_EQ(i, kMany);
  EXPECT_EQ(sum_of_wrong, 0);
  EXPECT_THAT(errors, ElementsAre("30000", "60000", "90000", "120000", "150000", "180000"));
}

std::string repeat(int times, const std::string& text, bool twice) {
  std::string all;
  for (int i = 0; i < times * (twice ? 2 : 1); ++i) all += text;
  return all;
}

TEST(ProcessPoolMap, inputs_of_every_kind_go_together) {
  ProcessPoolExecutor pool(with_workers(2));
  const std::vector<int> times{1, 2, 3, 4};
  const std::list<std::string> texts{"a", "b", "c"};
  const std::vector<bool> twice{false, true, false, true};
  std::vector<std::string> all;
  for (std::string&& text : pool.map({.chunksize = 2}, repeat, times, texts, twice)) {
    all.push_back(std::move(text));
  }
  EXPECT_THAT(all, ElementsAre("a", "bbbb", "ccc"));
}

TEST(ProcessPoolMap, a_buffer_holds_with_chunks_by_time) {
  ProcessPoolExecutor pool(with_workers(2));
  int read = 0;
  int taken = 0;
  constexpr int kBuffer = 1'000;
  auto counting = std::views::iota(0, kMany) | std::views::transform([&](int x) {
                    ++read;
                    return x;
                  });
  for (const int value : pool.map({.buffersize = kBuffer}, increment, counting)) {
    ASSERT_EQ(value, ++taken);
    ASSERT_LE(read, taken + kBuffer);
  }
  EXPECT_EQ(taken, kMany);
}

int die_at(int x, int death) {
  if (x == death) raise(SIGKILL);
  return x;
}

TEST(ProcessPoolMap, a_worker_that_dies_costs_its_chunk_alone) {
  ProcessPoolExecutor pool(with_workers(2));
  auto results =
      pool.map({.chunksize = 10}, die_at, std::views::iota(0, 100), std::vector<int>(100, 35));
  std::set<int> lost;
  int i = 0;
  for (auto it = results.begin(); it != results.end(); ++it, ++i) {
    try {
      EXPECT_EQ(*it, i);
    } catch (const WorkerDied& error) {
      EXPECT_EQ(error.signal, SIGKILL);
      lost.insert(i);
    }
  }
  EXPECT_EQ(i, 100);
  EXPECT_THAT(lost, ElementsAre(30, 31, 32, 33, 34, 35, 36, 37, 38, 39));
}

int wait_for_the_reader(int x, EventName begun, EventName may_end) {
  if (x == 1) {
    begun.set();
    may_end.wait();
  }
  return x;
}

TEST(ProcessPoolMap, elements_that_wait_for_the_reader_go_one_by_one) {
  ProcessPoolExecutor pool(with_workers(1));
  Event begun;
  Event may_end;
  auto results = pool.map(wait_for_the_reader, std::views::iota(0, 3), std::vector(3, begun.name()),
                          std::vector(3, may_end.name()));
  auto it = results.begin();
  EXPECT_EQ(*it, 0);  // there before element 1 ends
  begun.wait();
  may_end.set();
  EXPECT_EQ(*++it, 1);
  EXPECT_EQ(*++it, 2);
}

}  // namespace
}  // namespace poolmark::test
