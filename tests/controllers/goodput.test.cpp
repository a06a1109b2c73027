// SPDX-License-Identifier: MIT
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "examples.hpp"

namespace batchlab::goodput_test {

using nlohmann::json;
using testing::HasSubstr;

Decision decide(Controller& rule, std::optional<double> noise_scale) {
  Statistics statistics;
  statistics.noise_scale = noise_scale;
  return rule.decide(statistics);
}

// B = sqrt(4 * 900) = 60.
TEST(Goodput, IsTheRootOfCostRatioTimesNoiseScale) {
  const auto rule = make_controller("goodput", {{"cost_ratio", 4}}, fashion_mnist);
  EXPECT_EQ(decide(*rule, std::nullopt).batch_size, 32);
  EXPECT_EQ(decide(*rule, 3600).batch_size, 120);
}

// B / ((4 + B) (900 + B)): 60 / (64 * 960) = 9.765625e-4 at the optimum 60, at 32
// 32 / (36 * 932) = 9.537434e-4: x 1.0239. At 25: 25 / (29 * 925) = 9.319664e-4:
// x 1.0479. At 24: 24 / (28 * 924) = 9.276438e-4: x 1.0527.
TEST(Goodput, ChangesWhereMoreThanAFewPercentAreGained) {
  for (const auto& [batch_size, wanted] :
       {std::pair(32, 32), {25, 25}, {24, 60}, {60, 60}}) {
    const auto rule = make_controller(
        "goodput", {{"cost_ratio", 4}, {"batch_size", batch_size}}, fashion_mnist);
    EXPECT_EQ(decide(*rule, 900).batch_size, wanted) << batch_size;
  }
  const auto eager = make_controller(
      "goodput", {{"cost_ratio", 4}, {"improvement", 0.02}}, fashion_mnist);
  EXPECT_EQ(decide(*eager, 900).batch_size, 60);
  EXPECT_THAT(
      decide(*make_controller("goodput", {{"cost_ratio", 4}}, fashion_mnist), 900)
          .reason,
      HasSubstr("x 1.024"));
}

// Steps of 32 and 64 examples that take 60 us + 2 us each: a/b 30, B = sqrt(30 * 3000)
// = 300. Steps of one size alone say nothing: sqrt(10 * 3000) = 173.205.
TEST(Goodput, FitsItsCostRatioToTheStepsWhereAsked) {
  const auto after = [](const std::vector<std::int64_t>& sizes, bool refit) {
    const auto rule = make_controller("goodput", {{"cost_ratio", 10}, {"refit", refit}},
                                      fashion_mnist);
    EXPECT_EQ(rule->needs().has(&Statistics::step_seconds), refit);
    Decision decision;
    for (int step = 0; step < 100; ++step) {
      Statistics statistics;
      statistics.batch_size = sizes[static_cast<std::size_t>(step) % sizes.size()];
      statistics.step_seconds =
          60e-6 + 2e-6 * static_cast<double>(statistics.batch_size);
      if (step == 99) statistics.noise_scale = 3000;
      decision = rule->decide(only(statistics, rule->needs()));
    }
    return decision.batch_size;
  };
  EXPECT_NEAR(after({32, 64}, true), 300, 1e-6);
  EXPECT_NEAR(after({32}, true), 173.205081, 1e-6);
  EXPECT_NEAR(after({32, 64}, false), 173.205081, 1e-6);
}

TEST(Goodput, LeavesItsCostRatioWhereTheClockSaysNothing) {
  const auto rule =
      make_controller("goodput", {{"cost_ratio", 10}, {"refit", true}}, fashion_mnist);
  for (const double seconds : {0.0, -1.0, std::nan(""), 1e-300, 1e300}) {
    for (const std::int64_t size : {1, 1000}) {
      Statistics statistics;
      statistics.batch_size = size;
      statistics.step_seconds = seconds;
      statistics.noise_scale = 3000;
      EXPECT_TRUE(std::isfinite(rule->decide(statistics).batch_size)) << seconds;
    }
  }
}

// 60 us and 2 us for each example: 30 examples' worth.
TEST(Goodput, TakesItsCostRatioFromTheTimeOfAStep) {
  const Option& option = find_controller("goodput").options[1];
  ASSERT_EQ(option.name, "cost_ratio");
  EXPECT_TRUE(option.default_value.is_null());
  EXPECT_DOUBLE_EQ(option.from_step_time(60e-6, 2e-6), 30);
}

// It can be made, and so be planned, but decides nothing by a guess.
TEST(Goodput, DecidesNothingWithoutACostRatio) {
  const auto rule = make_controller("goodput", json::object(), fashion_mnist);
  EXPECT_TRUE(rule->needs().has(&Statistics::noise_scale));
  EXPECT_THROW((void)decide(*rule, 900), Error);
  EXPECT_THROW((void)decide(*rule, std::nullopt), Error);
}

// No other batch size has a goodput better than that of the optimum.
TEST(Goodput, HasItsMaximumAtTheWish) {
  const auto goodput = [](double b) { return b / (30 + b) * (300.0 + 7) / (300 + b); };
  const auto rule = make_controller("goodput", {{"cost_ratio", 30}, {"improvement", 0}},
                                    fashion_mnist);
  const double best = decide(*rule, 300).batch_size;
  for (const double other : {0.5, 0.9, 0.99, 1.01, 1.1, 2.0}) {
    EXPECT_LT(goodput(other * best), goodput(best)) << other;
  }
}

TEST(Goodput, HoldsItsLastWishWhereTheGradientIsNotResolved) {
  const auto rule = make_controller("goodput", {{"cost_ratio", 4}}, fashion_mnist);
  EXPECT_EQ(decide(*rule, 3600).batch_size, 120);
  const double infinity = std::numeric_limits<double>::infinity();
  for (const double unresolved : {-5.0, 0.0, std::nan(""), infinity, -infinity}) {
    EXPECT_EQ(decide(*rule, unresolved).batch_size, 120) << unresolved;
    EXPECT_THAT(decide(*rule, unresolved).reason, HasSubstr("hold"));
  }
  EXPECT_EQ(decide(*rule, std::nullopt).batch_size, 120);
  EXPECT_THAT(decide(*rule, std::nullopt).reason, HasSubstr("unknown"));
}

// S = 3 / 0.01 = 300: sqrt(30 * 300) = 94.868, x 1.238 better than 32.
TEST(Goodput, SettlesAtTheOptimum) {
  const auto rule = make_controller("goodput", {{"cost_ratio", 30}}, fashion_mnist);
  EXPECT_NEAR(settled(*rule, 3, 0.01), 94.868, 1e-3);
}

TEST(Goodput, SettlesWhereItIsWhenTheOptimumIsNear) {
  const auto rule = make_controller("goodput", {{"cost_ratio", 30}, {"batch_size", 64}},
                                    fashion_mnist);
  EXPECT_EQ(settled(*rule, 3, 0.01), 64);
}

TEST(Goodput, HoldsWhereTheEstimateIsNegative) {
  const auto rule = make_controller("goodput", {{"cost_ratio", 30}}, fashion_mnist);
  EXPECT_EQ(settled(*rule, 3, -0.01), 32);
}

}  // namespace batchlab::goodput_test
