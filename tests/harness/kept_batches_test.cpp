#include "harness/kept_batches.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>

namespace poolmark::harness::detail {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

BatchView batch(std::vector<double> completions, std::vector<double> latencies = {}) {
  return {.submit = 0, .completions = std::move(completions), .latencies = std::move(latencies)};
}

/// `count` batches of one result each, after 1, 2, 3, ... ns.
KeptBatches counting(int count) {
  KeptBatches batches;
  for (int i = 1; i <= count; ++i) batches.add(batch({1.0 * i}, {1.0 * i}));
  return batches;
}

TEST(KeptBatches, TakeTheMedianAtEachMark) {
  KeptBatches batches;
  batches.add(batch({1, 20}));
  batches.add(batch({3, 10}));
  batches.add(batch({2, 90}));
  EXPECT_THAT(batches.median_completions(), ElementsAre(2, 20));
}

TEST(KeptBatches, HaveNothingToSayOfNothing) {
  EXPECT_THAT(KeptBatches().median_completions(), IsEmpty());
  EXPECT_EQ(KeptBatches().latencies().count, 0U);
}

TEST(KeptBatches, JoinThoseOfSeveralRepetitions) {
  KeptBatches all;
  all.add(counting(3));
  all.add(counting(2));
  EXPECT_EQ(all.size(), 5U);
  EXPECT_THAT(all.median_completions(), ElementsAre(2));
  EXPECT_EQ(all.latencies().count, 5U);
}

TEST(KeptBatches, LeaveOutQuantilesThatTooFewTimesLieBeyond) {
  EXPECT_THAT(counting(19).latencies().quantiles, ElementsAre(1));
  EXPECT_THAT(counting(20).latencies().quantiles, ElementsAre(0.5, 1));
  EXPECT_THAT(counting(99).latencies().quantiles, ElementsAre(0.5, 1));
  EXPECT_THAT(counting(100).latencies().quantiles, ElementsAre(0.5, 0.9, 1));
  EXPECT_THAT(counting(999).latencies().quantiles, ElementsAre(0.5, 0.9, 1));
  EXPECT_THAT(counting(1000).latencies().quantiles, ElementsAre(0.5, 0.9, 0.99, 1));
}

TEST(KeptBatches, TakeQuantilesThatWereMeasured) {
  EXPECT_THAT(counting(20).latencies().ns, ElementsAre(10, 20));
  EXPECT_THAT(counting(21).latencies().ns, ElementsAre(11, 21));
  EXPECT_THAT(counting(101).latencies().ns, ElementsAre(51, 91, 101));
  EXPECT_THAT(counting(1000).latencies().ns, ElementsAre(500, 900, 990, 1000));
}

TEST(KeptBatches, TellEachOfUpToAThousandTimes) {
  KeptBatches batches;
  for (const double ns : {30.0, 10.0, 20.0}) batches.add(batch({ns}, {ns}));
  EXPECT_THAT(batches.latencies().each, ElementsAre(10, 20, 30));
  batches.add(batch({40}, std::vector<double>(997, 40)));
  EXPECT_EQ(batches.latencies().each.size(), 1000U);
  batches.add(batch({50}, {50}));
  EXPECT_THAT(batches.latencies().each, IsEmpty());
}

TEST(KeptBatches, KeepAnEvenPartOfManyAndTheLongestLatencyOfAll) {
  constexpr int kMany = 50'000;
  const KeptBatches batches = counting(kMany);
  EXPECT_LE(batches.size(), KeptBatches::kMost);
  EXPECT_GE(batches.size(), KeptBatches::kMost / 2);
  EXPECT_NEAR(batches.median_completions().front(), kMany / 2.0, kMany / 500.0);
  EXPECT_EQ(batches.latencies().ns.back(), kMany);
  KeptBatches of_the_cell;
  of_the_cell.add(batches);
  EXPECT_EQ(of_the_cell.latencies().ns.back(), kMany) << "its batch was not kept";
}

TEST(KeptBatches, WeighRepetitionsAlikeWhenThereAreMany) {
  KeptBatches low;
  KeptBatches high;
  for (int i = 0; i < 900; ++i) {
    low.add(batch({1}));
    high.add(batch({1000}));
  }
  KeptBatches all;
  for (int i = 0; i < 5; ++i) all.add(low);
  for (int i = 0; i < 3; ++i) all.add(high);
  EXPECT_LE(all.size(), KeptBatches::kMost);
  EXPECT_THAT(all.median_completions(), ElementsAre(1)) << "five repetitions of eight";
  for (int i = 0; i < 3; ++i) all.add(high);
  EXPECT_THAT(all.median_completions(), ElementsAre(1000)) << "six of eleven";
}

}  // namespace
}  // namespace poolmark::harness::detail
