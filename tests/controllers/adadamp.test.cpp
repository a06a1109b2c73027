// SPDX-License-Identifier: MIT
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "examples.hpp"

namespace batchlab::adadamp_test {

using nlohmann::json;
using testing::HasSubstr;

Decision decide(Controller& rule, std::int64_t batch_size, double loss) {
  Statistics statistics;
  statistics.step = 1;
  statistics.batch_size = batch_size;
  statistics.batch_loss = loss;
  return rule.decide(statistics);
}

// exp(-10 / 10) = 0.367879: F = 0.367879 * 2.5 + 0.632121 * 1 = 1.551819,
// B = ceil(32 * 2.5 / 1.551819) = ceil(51.55) = 52.
TEST(AdaDamp, GrowsAsTheLossFalls) {
  const auto rule =
      make_controller("adadamp", {{"horizon_examples", 10}}, fashion_mnist);
  EXPECT_EQ(rule->decide({}).batch_size, 32);
  EXPECT_EQ(decide(*rule, 10, 2.5).batch_size, 32);
  EXPECT_EQ(decide(*rule, 10, 1).batch_size, 52);
}

// The same with F* = 0.5: B = ceil(32 * 2 / 1.051819) = ceil(60.85) = 61.
TEST(AdaDamp, CountsFromTheLeastLoss) {
  const auto rule = make_controller(
      "adadamp", {{"horizon_examples", 10}, {"least_loss", 0.5}}, fashion_mnist);
  EXPECT_EQ(decide(*rule, 10, 2.5).batch_size, 32);
  EXPECT_EQ(decide(*rule, 10, 1).batch_size, 61);
}

// B = ceil(32 * 1 / 2) = 16 once the average has followed.
TEST(AdaDamp, ShrinksBelowTheFirstWhereTheLossHasRisen) {
  const auto rule =
      make_controller("adadamp", {{"horizon_examples", 1}}, fashion_mnist);
  EXPECT_EQ(decide(*rule, 100, 1).batch_size, 32);
  EXPECT_EQ(decide(*rule, 100, 2).batch_size, 16);
}

// 5400 examples: exp(-1) = 0.367879, F = 0.367879 * 3 + 0.632121 * 1 = 1.735759,
// B = ceil(32 * 3 / 1.735759) = ceil(55.31) = 56.
TEST(AdaDamp, RemembersATenthOfTheTrainingSetByDefault) {
  const auto rule = make_controller("adadamp", json::object(), fashion_mnist);
  EXPECT_EQ(decide(*rule, 32, 3).batch_size, 32);
  EXPECT_EQ(decide(*rule, 5400, 1).batch_size, 56);
}

TEST(AdaDamp, HoldsWhereTheLossIsNotFiniteOrNotAboveTheLeast) {
  const double nan = std::nan(""), infinity = std::numeric_limits<double>::infinity();
  const auto rule =
      make_controller("adadamp", {{"horizon_examples", 10}}, fashion_mnist);
  (void)decide(*rule, 10, 2.5);
  EXPECT_EQ(decide(*rule, 10, 1).batch_size, 52);
  for (const double loss : {nan, infinity, -infinity, -100.0}) {
    EXPECT_EQ(decide(*rule, 10, loss).batch_size, 52) << loss;
    EXPECT_THAT(decide(*rule, 10, loss).reason, HasSubstr("hold")) << loss;
  }
}

TEST(AdaDamp, ChangesEveryTwentyStepsAtMost) {
  const json& limits = find_controller("adadamp").limits;
  EXPECT_EQ(limits.at("dwell"), 20);
  EXPECT_EQ(limits.at("first_wait"), 100);
}

// A constant loss keeps the first batch size.
TEST(AdaDamp, SettlesAtItsFirstBatchSize) {
  const auto rule = make_controller("adadamp", json::object(), fashion_mnist);
  EXPECT_EQ(settled(*rule, 3, 0.01), 32);
}

}  // namespace batchlab::adadamp_test
