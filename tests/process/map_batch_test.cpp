#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "poolmark/detail/map_chunk_pace.hpp"
#include "poolmark/detail/map_chunks.hpp"
#include "poolmark/detail/map_column.hpp"
#include "poolmark/detail/wire_batch.hpp"

// What crosses when a map goes to worker processes, and how much of it at once.
namespace poolmark::test {
namespace {

using detail::Batch;
using detail::ChunkPace;
using detail::Column;
using ::testing::ElementsAre;
using namespace std::chrono_literals;

template <class T>
detail::Bytes bytes_of(const T& value) {
  detail::Bytes bytes;
  WireWriter to(bytes);
  detail::put_value<T>(to, value);
  return bytes;
}

template <class T>
T value_of(const detail::Bytes& bytes) {
  WireReader from(bytes.data(), bytes.size());
  T value = detail::get_value<T>(from);
  EXPECT_EQ(from.remaining(), 0U);
  return value;
}

/// The batch as text: values, and what() of errors.
template <class R>
std::vector<std::string> told(Batch<R> batch) {
  std::vector<std::string> all;
  while (!batch.all_taken()) {
    auto run = batch.take_run();
    for (std::size_t i = 0; i < run.size; ++i) {
      if (run.values == nullptr) {
        try {
          std::rethrow_exception(run.error);
        } catch (const std::exception& error) {
          all.emplace_back(error.what());
        }
      } else {
        all.push_back(run.values[i].value());
        std::destroy_at(&run.values[i].value());
      }
    }
  }
  return all;
}

std::string fail_at_even(std::size_t i) {
  if (i % 2 == 0) throw std::runtime_error("no " + std::to_string(i));
  return std::to_string(i);
}

TEST(Batch, tells_values_and_errors_in_order) {
  EXPECT_THAT(told(Batch<std::string>::of(3, 5, fail_at_even)),
              ElementsAre("3", "no 4", "5", "no 6", "7"));
  EXPECT_THAT(told(Batch<std::string>::of(0, 1, fail_at_even)), ElementsAre("no 0"));
  EXPECT_TRUE(Batch<std::string>::of(0, 0, fail_at_even).all_taken());
  EXPECT_THAT(told(Batch<std::string>::all_failed(2, std::make_exception_ptr(Error("gone")))),
              ElementsAre("gone", "gone"));
}

TEST(Batch, crosses_with_its_errors) {
  const auto bytes = bytes_of(Batch<std::string>::of(2, 5, fail_at_even));
  EXPECT_THAT(told(value_of<Batch<std::string>>(bytes)),
              ElementsAre("no 2", "3", "no 4", "5", "no 6"));
}

TEST(Batch, plain_values_cross_packed) {
  const auto bytes =
      bytes_of(Batch<char>::of(0, 1000, [](std::size_t i) { return static_cast<char>(i); }));
  EXPECT_LT(bytes.size(), 1000U + 100U);
  auto batch = value_of<Batch<char>>(bytes);
  auto run = batch.take_run();
  ASSERT_EQ(run.size, 1000U);
  EXPECT_EQ(run.values[999].value(), static_cast<char>(999));
}

TEST(Batch, what_nobody_has_read_is_destroyed_once) {
  const auto owned = std::make_shared<int>(1);
  {
    auto batch = Batch<std::shared_ptr<int>>::of(0, 4, [&](std::size_t) { return owned; });
    EXPECT_EQ(owned.use_count(), 5);
    const auto moved = std::move(batch);
    batch = {};
    EXPECT_EQ(owned.use_count(), 5);
  }
  EXPECT_EQ(owned.use_count(), 1);
}

TEST(Batch, bytes_that_contradict_themselves_are_refused) {
  // Every word of the counts made enormous, one at a time; none may cost memory or crash.
  const auto good = bytes_of(Batch<std::string>::of(0, 3, fail_at_even));
  for (std::size_t word = 0; word < 3; ++word) {
    detail::Bytes bytes;
    std::memcpy(bytes.extend(good.size()), good.data(), good.size());
    const std::size_t enormous = ~std::size_t{0} / 16;
    std::memcpy(bytes.data() + word * sizeof enormous, &enormous, sizeof enormous);
    WireReader from(bytes.data(), bytes.size());
    EXPECT_THROW(detail::get_value<Batch<std::string>>(from), Error) << "word " << word;
  }
}

/// Of a batch of three with one value, as a worker gone wild may write it.
detail::Bytes with_errors(std::size_t first, std::size_t count) {
  detail::Bytes bytes;
  WireWriter to(bytes);
  for (const std::size_t size : {3UL, 1UL, 1UL})
    to.put_raw(size);           // in all, values, runs of errors
  to.put_raw(std::int64_t{0});  // the time that it took
  to.put_raw(first);
  to.put_raw(count);
  detail::put_exception(to, std::make_exception_ptr(Error("no")));
  to.put_raw(7);
  return bytes;
}

TEST(Batch, errors_that_lie_beyond_its_end_are_refused) {
  EXPECT_EQ(value_of<Batch<int>>(with_errors(1, 2)).size(), 3U);
  for (const std::size_t first : {std::size_t{2}, std::size_t{3}, ~std::size_t{0}}) {
    const auto bytes = with_errors(first, 2);
    WireReader from(bytes.data(), bytes.size());
    EXPECT_THROW(detail::get_value<Batch<int>>(from), Error) << first;
  }
}

/// A worker gone wild: its answer is for another number of elements than it was sent.
class Miscounted final : public detail::ChunkSource<int> {
 public:
  Miscounted(std::size_t sent, std::size_t answered) : sent_(sent), answered_(answered) {}

  std::optional<Submitted> submit_next(std::size_t /*size*/) override {
    if (std::exchange(is_sent_, true)) return std::nullopt;
    Promise<Batch<int>> answer;
    answer.set_result(
        Batch<int>::of(0, answered_, [](std::size_t i) { return static_cast<int>(i); }));
    return Submitted{answer.get_future(), sent_};
  }
  bool reads_callers_range() const noexcept override { return false; }

 private:
  std::size_t sent_;
  std::size_t answered_;
  bool is_sent_ = false;
};

TEST(Batch, for_another_number_of_elements_than_were_sent_fails_them_all) {
  constexpr std::size_t kSent = 3;
  for (const std::size_t answered : {kSent - 1, kSent + 1}) {
    detail::ChunkStream<int, detail::MapOrder::kOfInput> stream(
        std::make_unique<Miscounted>(kSent, answered), kSent, std::nullopt, std::nullopt,
        std::nullopt);
    const auto run = stream.take_run();
    EXPECT_EQ(run.size, kSent);
    ASSERT_NE(run.error, nullptr);
    EXPECT_THROW(std::rethrow_exception(run.error), Error);
    stream.pass_run();
    EXPECT_TRUE(stream.at_end());
  }
}

template <class V>
Column<V> column_of(std::vector<V> values) {
  Column<V> column;
  for (const V& value : values) column.push_back(value);
  return column;
}

TEST(Column, crosses_gathered_referring_or_as_objects) {
  const std::vector<int> row{5, 6, 7};
  auto bytes = bytes_of(Column<int>(row.data() + 1, 2));
  auto referring = value_of<Column<int>>(bytes);
  EXPECT_THAT((std::vector{referring.take(0), referring.take(1)}), ElementsAre(6, 7));

  bytes = bytes_of(column_of<bool>({true, false}));
  auto gathered = value_of<Column<bool>>(bytes);
  EXPECT_THAT((std::vector{gathered.take(0), gathered.take(1)}), ElementsAre(true, false));

  bytes = bytes_of(column_of<std::string>({"one", "two"}));
  auto objects = value_of<Column<std::string>>(bytes);
  EXPECT_THAT((std::vector{objects.take(0), objects.take(1)}), ElementsAre("one", "two"));
}

// ---- the pace
// --------------------------------------------------------------------------------

TEST(ChunkPace, grows_by_steps_to_a_tenth_of_a_millisecond) {
  ChunkPace pace(2);
  EXPECT_EQ(pace.next_size(1'000'000), 1U);
  pace.learn(1, 100ns);
  EXPECT_EQ(pace.next_size(1'000'000), 8U);
  pace.learn(8, 800ns);
  pace.learn(64, 6'400ns);
  EXPECT_EQ(pace.next_size(1'000'000), 512U);
  pace.learn(512, 51'200ns);
  EXPECT_EQ(pace.next_size(1'000'000), 1'000U);  // 100 us of them
  EXPECT_EQ(pace.next_size(std::nullopt), 1'000U);
}

TEST(ChunkPace, wants_to_hear_of_small_chunks_before_it_makes_more) {
  ChunkPace pace(2);
  EXPECT_FALSE(pace.is_groping(3, 1'000'000));  // each worker is to have one and the next
  EXPECT_TRUE(pace.is_groping(4, 1'000'000));
  pace.learn(1, 100ns);
  EXPECT_TRUE(pace.is_groping(4, 1'000'000));
  for (const std::size_t size : {8U, 64U, 512U}) pace.learn(size, size * 100ns);
  EXPECT_FALSE(pace.is_groping(4, 1'000'000));
  pace.learn(1'000, 1'000 * 11us);
  EXPECT_FALSE(pace.is_groping(4, 1'000'000));  // long ones go one by one whatever comes
}

TEST(ChunkPace, long_elements_go_one_by_one) {
  ChunkPace pace(2);
  pace.learn(1, 1us);
  EXPECT_EQ(pace.next_size(1'000'000), 8U);
  pace.learn(8, 8 * 11us);
  EXPECT_EQ(pace.next_size(1'000'000), 1U);
}

TEST(ChunkPace, leaves_the_others_work_near_the_end) {
  ChunkPace pace(2);
  for (const std::size_t size : {1U, 8U, 64U, 512U}) pace.learn(size, size * 100ns);
  EXPECT_EQ(pace.next_size(4'000), 500U);  // an eighth
  EXPECT_EQ(pace.next_size(200), 100U);    // but 10 us at least
  EXPECT_EQ(pace.next_size(0), 100U);
}

}  // namespace
}  // namespace poolmark::test
