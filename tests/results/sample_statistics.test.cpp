// SPDX-License-Identifier: MIT
#include "results/sample_statistics.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "tests/results/support.hpp"

namespace batchlab::sample_statistics_test {

using test::standard_normal;
using testing::HasSubstr;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// 1..5: squares of deviations 4+1+0+1+4 = 10, s = sqrt(10/4) = 1.581139;
// t(0.975, 4) = 2.776445, half = 2.776445 * 1.581139 / sqrt(5) = 1.963243.
TEST(Summarise, MatchesHandComputedFigures) {
  const std::vector<double> values = {1, 2, 3, 4, 5};
  const Summary summary = summarise(values);
  EXPECT_EQ(summary.count, 5u);
  EXPECT_DOUBLE_EQ(summary.mean.value(), 3);
  EXPECT_NEAR(summary.standard_deviation.value(), 1.581139, 1e-6);
  EXPECT_NEAR(summary.interval_low.value(), 3 - 1.963243, 1e-6);
  EXPECT_NEAR(summary.interval_high.value(), 3 + 1.963243, 1e-6);
}

TEST(Summarise, SaysNothingOfAnEmptySample) {
  const Summary summary = summarise({});
  EXPECT_EQ(summary.count, 0u);
  EXPECT_FALSE(summary.mean || summary.median || summary.interquartile_mean ||
               summary.standard_deviation || summary.interval_low ||
               summary.interval_high);
}

TEST(Summarise, KnowsNoSpreadOfOneValue) {
  const std::vector<double> values = {4};
  const Summary summary = summarise(values);
  EXPECT_EQ(summary.mean, 4);
  EXPECT_EQ(summary.median, 4);
  EXPECT_EQ(summary.interquartile_mean, 4);
  EXPECT_FALSE(summary.standard_deviation || summary.interval_low ||
               summary.interval_high);
}

TEST(Summarise, KeepsTheSpreadOfLargeNumbers) {
  const std::vector<double> values = {1e9 + 1, 1e9 + 2, 1e9 + 3};
  EXPECT_NEAR(summarise(values).standard_deviation.value(), 1, 1e-9);
}

TEST(Summarise, RefusesWhatIsNoNumber) {
  const std::vector<double> values = {1, std::nan(""), 3};
  const Error error = test::error_of([&] { (void)summarise(values); });
  EXPECT_EQ(error.kind(), ErrorKind::data);
  EXPECT_THAT(error.what(), HasSubstr("value 2 of 3 of a sample is nan"));
}

// 10,000 samples: the standard error of the coverage is 0.22 %.
TEST(Summarise, CoversTheMeanInNineteenOfTwentySamples) {
  std::mt19937_64 generator(1);
  int covered = 0;
  for (int sample = 0; sample < 10000; ++sample) {
    std::vector<double> values(10);
    for (double& value : values) value = 5 + 2 * standard_normal(generator);
    const Summary summary = summarise(values);
    if (*summary.interval_low <= 5 && 5 <= *summary.interval_high) ++covered;
  }
  EXPECT_GE(covered, 9400);
  EXPECT_LE(covered, 9600);
}

TEST(Median, IsTheMiddleOrTheMeanOfTheTwoMiddleValues) {
  EXPECT_EQ(median({9, 1, 4}), 4);
  EXPECT_EQ(median({9, 1, 4, 5}), 4.5);
  EXPECT_EQ(median({}), std::nullopt);
}

TEST(Median, TakesARunThatNeverArrivesForInfinite) {
  EXPECT_EQ(median({3, kInfinity, 1}), 3);
  EXPECT_EQ(median({3, kInfinity}), kInfinity);
  EXPECT_EQ(median({kInfinity, kInfinity}), kInfinity);
}

// floor(n / 4) from each end: of 9 values two, of 5 one, of 3 none. Without the outlier
// of the first, (3 + 4 + 5 + 6 + 7) / 5 = 5.
TEST(InterquartileMean, LeavesOutAQuarterAtEachEnd) {
  EXPECT_EQ(interquartile_mean({1000, 1, 2, 3, 4, 5, 6, 7, 8}), 5);
  EXPECT_EQ(interquartile_mean({0, 2, 3, 7, 100}), 4);
  EXPECT_EQ(interquartile_mean({1, 2, 9}), 4);
  EXPECT_EQ(interquartile_mean({}), std::nullopt);
}

TEST(InterquartileMean, BearsAQuarterOfRunsThatNeverArrive) {
  EXPECT_EQ(interquartile_mean({1, 2, 4, kInfinity}), 3);
  EXPECT_EQ(interquartile_mean({1, 2, kInfinity, kInfinity}), kInfinity);
}

// From printed tables: t(0.975, 9) = 2.262157, t(0.975, 1) = 12.706205.
TEST(StudentQuantile, IsThatOfTheTables) {
  EXPECT_NEAR(student_quantile(0.975, 9), 2.262157, 1e-6);
  EXPECT_NEAR(student_quantile(0.025, 1), -12.706205, 1e-6);
}

}  // namespace batchlab::sample_statistics_test
