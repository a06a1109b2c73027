// SPDX-License-Identifier: MIT
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "examples.hpp"

namespace batchlab::gradient_diversity_test {

using nlohmann::json;
using testing::HasSubstr;

struct Step {
  std::int64_t epochs, batch_size;
  std::optional<double> q, variance, true_norm_squared;
};

Decision decide(Controller& rule, const Step& step) {
  Statistics statistics;
  statistics.step = 1;
  statistics.epochs_completed = step.epochs;
  statistics.batch_size = step.batch_size;
  statistics.gradient_norm_squared = step.q;
  statistics.gradient_variance_trace = step.variance;
  statistics.true_gradient_norm_squared = step.true_norm_squared;
  return rule.decide(statistics);
}

std::unique_ptr<Controller> make(double delta) {
  return make_controller("gradient_diversity", {{"delta", delta}}, fashion_mnist);
}

// s = 3 + 40 * 3/4 = 33 over 4 examples, 2 + 10 * 15/16 = 11.375 over 16; G2 = 1, 0.5:
// N Delta = (4 * 33 + 16 * 11.375) / (4 * 1 + 16 * 0.5) = 314 / 12 = 26.166667.
TEST(GradientDiversity, IsMeanSquaredNormOverSquaredNormOfTheMean) {
  const auto rule = make(2);
  EXPECT_EQ(decide(*rule, {0, 4, 3, 40, 1}).batch_size, 32);
  EXPECT_NEAR(decide(*rule, {1, 16, 2, 10, 0.5}).batch_size, 2 * 26.166667, 1e-5);
}

// Each epoch counts for itself: (8 * (1 + 60 * 7/8)) / (8 * 1) = 53.5.
TEST(GradientDiversity, StartsAfreshWithEachEpoch) {
  const auto rule = make(1);
  EXPECT_EQ(decide(*rule, {1, 16, 2, 10, 0.5}).batch_size, 32);  // 22.75 is less
  EXPECT_EQ(decide(*rule, {1, 8, 1, 60, 1}).batch_size, 32);     // within an epoch
  EXPECT_EQ(decide(*rule, {2, 8, 1, 60, 1}).batch_size, 53.5);
}

TEST(GradientDiversity, NeverShrinks) {
  const auto rule = make(1);
  EXPECT_EQ(decide(*rule, {1, 8, 1, 60, 1}).batch_size, 53.5);
  EXPECT_EQ(decide(*rule, {2, 8, 1, 1, 1}).batch_size, 53.5);
}

// The negative G2 of one step counts in the mean: 2 * 8 * 53.5 / (8 * (3 - 1)) = 53.5.
TEST(GradientDiversity, StepsMayHaveANegativeEstimate) {
  const auto rule = make(1);
  (void)decide(*rule, {0, 8, 1, 60, 3});
  EXPECT_EQ(decide(*rule, {1, 8, 1, 60, -1}).batch_size, 53.5);
}

TEST(GradientDiversity, HoldsWhereTheGradientIsNotResolved) {
  for (const double unresolved : {0.0, -1.0}) {
    const auto rule = make(1);
    const Decision decision = decide(*rule, {1, 8, 1, 60, unresolved});
    EXPECT_EQ(decision.batch_size, 32);
    EXPECT_THAT(decision.reason, HasSubstr("hold"));
  }
}

TEST(GradientDiversity, StepsNotMeasuredOrNotFiniteDoNotCount) {
  const auto rule = make(1);
  const double nan = std::nan(""), infinity = std::numeric_limits<double>::infinity();
  EXPECT_THAT(decide(*rule, {1, 1, 1, std::nullopt, std::nullopt}).reason,
              HasSubstr("not measured"));
  (void)decide(*rule, {1, 8, 1, 60, 1});
  (void)decide(*rule, {1, 8, nan, 60, 1});
  (void)decide(*rule, {1, 8, 1, infinity, 1});
  (void)decide(*rule, {1, 8, 1, 60, nan});
  EXPECT_EQ(decide(*rule, {2, 1, 5, std::nullopt, std::nullopt}).batch_size, 53.5);
}

// s / G2 = 1 + (V / G2) (1 - 1/N) = 1 + 300 * (1 - 1/54000) = 300.994444 at any B.
TEST(GradientDiversity, SettlesAtOneMoreThanTheNoiseScale) {
  const auto rule = make(1);
  double wanted = 32;
  for (int epoch = 1; epoch < 9; ++epoch) {
    Statistics statistics = on_average(std::llround(wanted), 3, 0.01);
    statistics.epochs_completed = epoch;
    wanted = rule->decide(statistics).batch_size;
  }
  EXPECT_NEAR(wanted, 300.994444, 1e-6);
}

}  // namespace batchlab::gradient_diversity_test
