// SPDX-License-Identifier: MIT
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "examples.hpp"

namespace batchlab::radadamp_test {

using nlohmann::json;
using testing::HasSubstr;

Decision decide(Controller& rule, std::optional<double> q, double loss) {
  Statistics statistics;
  statistics.step = 1;
  statistics.batch_size = 32;
  statistics.gradient_norm_squared = q;
  statistics.batch_loss = loss;
  return rule.decide(statistics);
}

// Lbar = 0.8 * 1 + 0.2 * 2 = 1.2, qbar = 0.8 * 0.5 + 0.2 * 2 = 0.8:
// B = 32 / (0.5 (1.2 / 2 + 0.8 / 2)) = 32 / 0.5 = 64.
TEST(RadaDamp, IsTheFirstOverTheMeanOfBothFalls) {
  const auto rule = make_controller("radadamp", json::object(), fashion_mnist);
  EXPECT_DOUBLE_EQ(decide(*rule, 2.0, 2).batch_size, 32);
  EXPECT_DOUBLE_EQ(decide(*rule, 0.5, 1).batch_size, 64);
}

// Without memory: 32 / (0.5 (1/2 + 3/2)) = 32, then 32 / (0.5 (1/2 + 5/2)) = 21.33.
TEST(RadaDamp, ShrinksWhereTheGradientHasGrown) {
  const auto rule = make_controller("radadamp", {{"memory", 0}}, fashion_mnist);
  (void)decide(*rule, 2.0, 2);
  EXPECT_DOUBLE_EQ(decide(*rule, 3.0, 1).batch_size, 32);
  EXPECT_DOUBLE_EQ(decide(*rule, 5.0, 1).batch_size, 32 / 1.5);
}

TEST(RadaDamp, HoldsWhatIsNotMeasuredOrNotFinite) {
  const auto rule = make_controller("radadamp", json::object(), fashion_mnist);
  const double nan = std::nan(""), infinity = std::numeric_limits<double>::infinity();
  EXPECT_EQ(decide(*rule, std::nullopt, 7).batch_size, 32);
  EXPECT_THAT(decide(*rule, std::nullopt, 7).reason, HasSubstr("not measured"));
  (void)decide(*rule, 2.0, 2);
  for (const auto& [q, loss] :
       {std::pair(nan, 1.0), {infinity, 1.0}, {0.5, nan}, {0.5, -infinity}}) {
    EXPECT_EQ(decide(*rule, q, loss).batch_size, 32) << q << ' ' << loss;
    EXPECT_THAT(decide(*rule, q, loss).reason, HasSubstr("hold"));
  }
  // None of them went into the averages.
  EXPECT_DOUBLE_EQ(decide(*rule, 0.5, 1).batch_size, 64);
}

TEST(RadaDamp, HoldsWhereTheFirstGradientWasZero) {
  const auto rule = make_controller("radadamp", json::object(), fashion_mnist);
  for (const double q : {0.0, 0.0, 1.0}) {
    EXPECT_EQ(decide(*rule, q, 2).batch_size, 32);
    EXPECT_THAT(decide(*rule, q, 2).reason, HasSubstr("hold"));
  }
}

// With V and G2 constant q (B0) = q0, so that B = B0 / (0.5 (1 + 1)), also after a step
// of another size: there the slope is V / (2 B0 q0) < 1.
TEST(RadaDamp, SettlesAtItsFirstBatchSize) {
  const auto rule = make_controller("radadamp", json::object(), fashion_mnist);
  (void)rule->decide(on_average(32, 3, 0.01));
  EXPECT_GT(rule->decide(on_average(500, 3, 0.01)).batch_size, 40);
  EXPECT_NEAR(settled(*rule, 3, 0.01), 32, 0.5);
}

TEST(RadaDamp, ChangesEveryTwentyStepsAtMost) {
  const json& limits = find_controller("radadamp").limits;
  EXPECT_EQ(limits.at("dwell"), 20);
  EXPECT_EQ(limits.at("first_wait"), 100);
}

}  // namespace batchlab::radadamp_test
