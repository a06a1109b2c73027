// SPDX-License-Identifier: MIT
#include "controllers/noise_averages.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "examples.hpp"

namespace batchlab::noise_averages_test {

using nlohmann::json;
using testing::HasSubstr;

Statistics step(std::int64_t batch_size, double q, double variance,
                double product = 0) {
  Statistics statistics;
  statistics.batch_size = batch_size;
  statistics.gradient_norm_squared = q;
  statistics.gradient_variance_trace = variance;
  statistics.inner_product_variance = product;
  return statistics;
}

std::optional<Statistics> after(NoiseAverages& averages, const Statistics& statistics) {
  averages.add(statistics);
  return averages.averaged(statistics);
}

TEST(NoiseAverages, SayNothingBeforeTheirHorizon) {
  NoiseAverages averages(96, false);
  EXPECT_FALSE(after(averages, step(32, 2, 64)));
  EXPECT_FALSE(after(averages, step(32, 2, 64)));
  EXPECT_EQ(averages.missing(step(32, 2, 64)), "64 of 96 examples averaged");
  EXPECT_TRUE(after(averages, step(32, 2, 64)));
}

// Two steps of 32 and a horizon of 64: weights 32 exp(-0.5) = 19.408981 and 32, shares
// 0.377541 and 0.622459. V: 0.377541 * 64 + 0.622459 * 32 = 44.081305. q - V/B: 3 - 2 =
// 1 and 5 - 1 = 4: 0.377541 + 2.489838 = 2.867378. q: 2.867378 + 44.081305 / 32 =
// 4.244919.
TEST(NoiseAverages, WeighStepsByExamplesAndAge) {
  NoiseAverages averages(64, false);
  averages.add(step(32, 3, 64));
  const auto averaged = after(averages, step(32, 5, 32));
  ASSERT_TRUE(averaged);
  EXPECT_NEAR(*averaged->gradient_variance_trace, 44.081305, 1e-5);
  EXPECT_NEAR(*averaged->gradient_norm_squared, 4.244919, 1e-5);
}

// At 32: V/B = 2, q - V/B = 1. At 128, q = 1 + 64/128 = 1.5; had it been averaged by
// itself, it would be between 3 and 1.5.
TEST(NoiseAverages, OfVAndQOutliveAChangeOfBatchSize) {
  NoiseAverages averages(64, false);
  averages.add(step(32, 3, 64));
  averages.add(step(32, 3, 64));
  const auto averaged = after(averages, step(128, 1.5, 64));
  ASSERT_TRUE(averaged);
  EXPECT_NEAR(*averaged->gradient_norm_squared, 1.5, 1e-12);
  EXPECT_NEAR(*averaged->gradient_variance_trace, 64, 1e-12);
}

// Two steps of 32 as above: mean VarIP 0.377541 * 30 + 0.622459 * 70 = 54.898367, mean
// q 0.377541 * 3 + 0.622459 * 5 = 4.244919, W = 12.932724. V = 64: V - W = 51.067276.
TEST(NoiseAverages, AlongTheGradientIsARatioOfMeans) {
  NoiseAverages averages(64, true);
  averages.add(step(32, 3, 64, 30));
  const auto averaged = after(averages, step(32, 5, 64, 70));
  ASSERT_TRUE(averaged);
  EXPECT_NEAR(*averaged->inner_product_variance, 54.898367, 1e-5);
  EXPECT_NEAR(*averaged->orthogonal_variance, 51.067276, 1e-5);
}

// W of batches of 32 says little of those of 64.
TEST(NoiseAverages, AlongTheGradientBeginAnewWhenTheSizeChanges) {
  NoiseAverages averages(128, true);
  averages.add(step(32, 3, 64, 30));
  averages.add(step(32, 3, 64, 30));
  averages.add(step(32, 3, 64, 30));
  EXPECT_TRUE(after(averages, step(32, 3, 64, 30)));
  EXPECT_FALSE(after(averages, step(64, 2, 64, 40)));
  const auto averaged = after(averages, step(64, 2, 64, 40));
  ASSERT_TRUE(averaged);
  EXPECT_NEAR(*averaged->inner_product_variance, 40, 1e-12);
}

Statistics ending_an_epoch(Statistics statistics, std::int64_t epochs) {
  statistics.epochs_completed = epochs;
  return statistics;
}

TEST(NoiseAverages, ABatchCutShortIsLeftOutAlongTheGradient) {
  NoiseAverages averages(64, true);
  averages.add(step(32, 3, 64, 30));
  averages.add(step(32, 3, 64, 30));
  EXPECT_FALSE(after(averages, ending_an_epoch(step(8, 9, 64, 1e6), 1)));
  const auto averaged = after(averages, ending_an_epoch(step(32, 3, 64, 30), 1));
  ASSERT_TRUE(averaged);
  EXPECT_NEAR(*averaged->inner_product_variance, 30, 1e-12);
}

// Of 100 examples, 60 and then the 40 that are left: no two steps have one size.
TEST(NoiseAverages, AlongTheGradientAreOfBatchesAboveHalfAnEpochToo) {
  NoiseAverages averages(120, true);
  for (int epoch = 0; epoch < 3; ++epoch) {
    averages.add(ending_an_epoch(step(60, 3, 64, 30), epoch));
    averages.add(ending_an_epoch(step(40, 9, 64, 1e6), epoch + 1));
  }
  const auto averaged = after(averages, ending_an_epoch(step(60, 3, 64, 30), 3));
  ASSERT_TRUE(averaged);
  EXPECT_NEAR(*averaged->inner_product_variance, 10 * *averaged->gradient_norm_squared,
              1e-9);
}

TEST(NoiseAverages, LeaveOutWhatIsNotFinite) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  NoiseAverages averages(32, true);
  averages.add(step(32, 3, 64, 30));
  for (const auto& bad :
       {step(32, infinity, 64, 30), step(32, 3, std::nan(""), 30),
        step(32, 3, 64, -infinity), step(32, -infinity, infinity, 30)}) {
    const auto averaged = after(averages, bad);
    ASSERT_TRUE(averaged);
    EXPECT_EQ(*averaged->gradient_norm_squared, 3);
    EXPECT_EQ(*averaged->inner_product_variance, 30);
  }
}

// q - V/B = 1 - 4 = -3; at 64: -3 + 128/64 = -1.
TEST(NoiseAverages, SayNothingWhereTheGradientIsNotResolved) {
  NoiseAverages averages(32, false);
  EXPECT_TRUE(after(averages, step(32, 1, 128)));
  EXPECT_FALSE(averages.averaged(step(64, 1, 128)));
  EXPECT_THAT(averages.missing(step(64, 1, 128)), HasSubstr("not resolved"));
}

TEST(NoiseAverages, StaySavableNextToTheLargestNumbers) {
  NoiseAverages averages(1e12, true);
  for (int i = 0; i < 1000; ++i) {
    averages.add(step(54000, i % 2 == 0 ? 1.7e308 : -1.7e308, 0, 1.7e308));
  }
  NoiseAverages other(1e12, true);
  other.load(json::parse(averages.save().dump()));
  EXPECT_EQ(other.save(), averages.save());
}

// One step in ten measures a q below, the others above its mean of 1.25 + V/B, which
// at B = 32 makes it 0.2 and 2.2: by itself such a step needs 24 / (0.25 * 0.2) = 480.
// On average B = V (1 - theta^2) / (theta^2 1.25) = 18 / 0.3125 = 57.6.
TEST(NoiseAverages, TheTestSettlesWhereItsMeansBalanceNotAtItsNoisiestStep) {
  const auto last_wish = [](const json& options) {
    const auto rule = make_controller("norm_test", options, fashion_mnist);
    double wanted = 32;
    for (int i = 1; i <= 2000; ++i) {
      const double size = std::round(wanted);
      const double scatter = (i % 10 == 0 ? -1.8 : 0.2) * std::min(1.0, 32 / size);
      const double q = 1.25 + 24 / size + scatter;
      wanted = rule->decide(step(std::llround(size), q, 24)).batch_size;
    }
    return wanted;
  };
  EXPECT_NEAR(last_wish({{"horizon_examples", 10000}}), 57.6, 1);
  EXPECT_GT(last_wish(json::object()), 2 * 57.6);
}

}  // namespace batchlab::noise_averages_test
