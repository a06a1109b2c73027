// SPDX-License-Identifier: MIT
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "examples.hpp"

namespace batchlab::big_batch_test {

using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;

Decision decide(Controller& rule, std::int64_t batch_size, std::optional<double> q,
                std::optional<double> variance) {
  Statistics statistics;
  statistics.batch_size = batch_size;
  statistics.gradient_norm_squared = q;
  statistics.gradient_variance_trace = variance;
  return rule.decide(statistics);
}

// 32 + ceil(3.2) = 36, 36 + ceil(3.6) = 40, 40 + 4 = 44, 44 + ceil(4.4) = 49.
TEST(BigBatch, GrowsByATenthPerStepWhileTheTestFails) {
  const auto rule = make_controller("big_batch", json::object(), fashion_mnist);
  std::vector<double> sizes;
  std::int64_t size = 32;
  for (int step = 0; step < 4; ++step) {
    sizes.push_back(decide(*rule, size, 0.001, 100.0).batch_size);
    size = std::llround(sizes.back());
  }
  EXPECT_THAT(sizes, ElementsAre(36, 40, 44, 49));
}

// V / B = 64 / 32 = 2. With delta = 1: 32 + 32 = 64.
TEST(BigBatch, FailsWhereTheGradientEqualsItsNoise) {
  const auto rule = make_controller("big_batch", {{"delta", 1}}, fashion_mnist);
  EXPECT_EQ(decide(*rule, 32, 2.01, 64.0).batch_size, 32);
  EXPECT_THAT(decide(*rule, 32, 2.01, 64.0).reason, HasSubstr("passes"));
  EXPECT_EQ(decide(*rule, 32, 2.0, 64.0).batch_size, 64);
}

// 32 + ceil(3.2) = 36 within the step; the next one begins with as many.
TEST(BigBatch, ExtendsTheBatchThatFailsUntilItPasses) {
  const auto rule = make_controller("big_batch", json::object(), fashion_mnist);
  Statistics statistics;
  statistics.batch_size = 32;
  statistics.gradient_norm_squared = 0.001;
  statistics.gradient_variance_trace = 100;
  EXPECT_EQ(rule->extended_batch_size(statistics), 36);
  statistics.batch_size = 36;
  statistics.gradient_norm_squared = 5;
  EXPECT_EQ(rule->extended_batch_size(statistics), 0);
  EXPECT_EQ(rule->decide(statistics).batch_size, 36);
}

TEST(BigBatch, AsksForNothingWhereTheNoiseIsNotKnown) {
  const auto rule = make_controller("big_batch", json::object(), fashion_mnist);
  Statistics statistics;
  statistics.batch_size = 1;
  statistics.gradient_norm_squared = 0;
  for (const std::optional<double> variance :
       {std::optional<double>(), std::optional(std::nan("")),
        std::optional(std::numeric_limits<double>::infinity())}) {
    statistics.gradient_variance_trace = variance;
    EXPECT_EQ(rule->extended_batch_size(statistics), 0);
  }
}

// 5 + ceil(0.5) = 6 is less than 32.
TEST(BigBatch, AShortBatchThatFailsDoesNotShrinkIt) {
  const auto rule = make_controller("big_batch", json::object(), fashion_mnist);
  EXPECT_EQ(decide(*rule, 5, 0.0, 64.0).batch_size, 32);
}

TEST(BigBatch, HoldsWhatIsNotMeasuredOrNotFinite) {
  const auto rule = make_controller("big_batch", json::object(), fashion_mnist);
  const double nan = std::nan(""), infinity = std::numeric_limits<double>::infinity();
  EXPECT_THAT(decide(*rule, 1, 0.0, std::nullopt).reason, HasSubstr("not measured"));
  EXPECT_EQ(decide(*rule, 1, 0.0, std::nullopt).batch_size, 32);
  for (const auto& [q, variance] : {std::pair(nan, 3.0), {0.0, nan}, {0.0, infinity}}) {
    EXPECT_EQ(decide(*rule, 32, q, variance).batch_size, 32) << q << ' ' << variance;
    EXPECT_THAT(decide(*rule, 32, q, variance).reason, HasSubstr("hold"));
  }
}

// V = 64, q - V/B = 3 - 2 = 1 at 32: on average G2 = 1 and V/B passes below 1, from 65
// on. In steps of ceil(B/10): 32, 36, 40, 44, 49, 54, 60, 66, all within one step once
// the horizon is full.
TEST(BigBatch, ByAveragesGrowsUntilNoiseIsBelowTheUnbiasedGradient) {
  const auto rule =
      make_controller("big_batch", {{"horizon_examples", 64}}, fashion_mnist);
  EXPECT_THAT(decide(*rule, 32, 3.0, 64.0).reason,
              HasSubstr("32 of 64 examples averaged: hold"));
  EXPECT_EQ(decide(*rule, 32, 3.0, 64.0).batch_size, 36);
  Statistics statistics;
  statistics.gradient_norm_squared = 1e6;  // of the step in progress: not yet averaged
  statistics.gradient_variance_trace = 1e-6;
  std::vector<double> sizes;
  for (double size = 32; size > 0; size = rule->extended_batch_size(statistics)) {
    sizes.push_back(size);
    statistics.batch_size = std::llround(size);
  }
  EXPECT_THAT(sizes, ElementsAre(32, 36, 40, 44, 49, 54, 60, 66));
  EXPECT_EQ(decide(*rule, 66, 1 + 64.0 / 66, 64.0).batch_size, 66);
}

// q - V/B = 1 - 2 < 0 on average.
TEST(BigBatch, ByAveragesHoldsWhereTheGradientIsNotResolved) {
  const auto rule =
      make_controller("big_batch", {{"horizon_examples", 64}}, fashion_mnist);
  for (int step = 0; step < 5; ++step) {
    const Decision decision = decide(*rule, 32, 1.0, 64.0);
    EXPECT_EQ(decision.batch_size, 32);
    EXPECT_THAT(decision.reason, HasSubstr("hold"));
  }
}

// On average q > V/B means G2 > V/N = 3 / 54000 = 5.6e-5, whatever B.
TEST(BigBatch, SettlesWhereTheGradientIsResolvedAndElseGrowsToTheLimit) {
  const auto resolved = make_controller("big_batch", json::object(), fashion_mnist);
  EXPECT_EQ(settled(*resolved, 3, 6e-5), 32);
  for (const double unresolved : {5e-5, 0.0, -0.01}) {
    const auto rule = make_controller("big_batch", json::object(), fashion_mnist);
    EXPECT_EQ(settled(*rule, 3, unresolved), 54000 + 5400) << unresolved;
  }
}

}  // namespace batchlab::big_batch_test
