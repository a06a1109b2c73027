// SPDX-License-Identifier: MIT
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "examples.hpp"

namespace batchlab::norm_test_test {

using nlohmann::json;
using testing::HasSubstr;

Decision decide(Controller& rule, std::int64_t batch_size, std::optional<double> q,
                std::optional<double> variance) {
  Statistics statistics;
  statistics.batch_size = batch_size;
  statistics.gradient_norm_squared = q;
  statistics.gradient_variance_trace = variance;
  return rule.decide(statistics);
}

// V / (B q) = 24 / (32 * 2) = 0.375 > 0.5^2: B = 24 / (0.25 * 2) = 48.
TEST(NormTest, GrowsToWhatWouldPass) {
  const auto rule = make_controller("norm_test", json::object(), fashion_mnist);
  EXPECT_EQ(decide(*rule, 32, 2.0, 24.0).batch_size, 48);
}

// The same with theta = 0.25: B = 24 / (0.0625 * 2) = 192.
TEST(NormTest, ToleranceCountsSquared) {
  const auto rule = make_controller("norm_test", {{"tolerance", 0.25}}, fashion_mnist);
  EXPECT_EQ(decide(*rule, 32, 2.0, 24.0).batch_size, 192);
}

// V / (B q) = 16 / (32 * 2) = 0.25 = 0.5^2.
TEST(NormTest, PassesAtTheToleranceItself) {
  const auto rule = make_controller("norm_test", json::object(), fashion_mnist);
  EXPECT_EQ(decide(*rule, 32, 2.0, 16.0).batch_size, 32);
  EXPECT_THAT(decide(*rule, 32, 2.0, 16.0).reason, HasSubstr("passes"));
  EXPECT_GT(decide(*rule, 32, 2.0, 16.01).batch_size, 32);
}

// A last batch of 4 needs 2 / (0.25 * 1) = 8, which is less than what is wanted.
TEST(NormTest, NeverShrinks) {
  const auto rule = make_controller("norm_test", json::object(), fashion_mnist);
  EXPECT_EQ(decide(*rule, 32, 2.0, 24.0).batch_size, 48);
  EXPECT_EQ(decide(*rule, 4, 1.0, 2.0).batch_size, 48);
  EXPECT_EQ(decide(*rule, 48, 100.0, 1.0).batch_size, 48);
}

TEST(NormTest, HoldsWhatIsNotMeasuredOrNotFinite) {
  const auto rule = make_controller("norm_test", json::object(), fashion_mnist);
  const double nan = std::nan(""), infinity = std::numeric_limits<double>::infinity();
  EXPECT_THAT(decide(*rule, 1, 2.0, std::nullopt).reason, HasSubstr("not measured"));
  EXPECT_EQ(decide(*rule, 1, 2.0, std::nullopt).batch_size, 32);
  for (const auto& [q, variance] : {std::pair(0.0, 3.0),
                                    {nan, 3.0},
                                    {2.0, nan},
                                    {infinity, 3.0},
                                    {2.0, infinity}}) {
    EXPECT_EQ(decide(*rule, 32, q, variance).batch_size, 32) << q << ' ' << variance;
    EXPECT_THAT(decide(*rule, 32, q, variance).reason, HasSubstr("hold"));
  }
}

// q = G2 + V (1/B - 1/N) and V = theta^2 B q:
// B = 3 * 0.75 / (0.25 * (0.01 - 3 / 54000)) = 2.25 / 0.002486111 = 905.03.
TEST(NormTest, SettlesAtAMultipleOfTheNoiseScale) {
  const auto rule = make_controller("norm_test", json::object(), fashion_mnist);
  EXPECT_NEAR(settled(*rule, 3, 0.01), 905.03, 1);
}

// The same means, so the same size; and nothing before the first 5000 examples.
TEST(NormTest, SettlesThereByAveragesToo) {
  const json options{{"horizon_examples", 5000}};
  const auto rule = make_controller("norm_test", options, fashion_mnist);
  EXPECT_NEAR(settled(*rule, 3, 0.01), 905.03, 1);
  const auto fresh = make_controller("norm_test", options, fashion_mnist);
  EXPECT_EQ(decide(*fresh, 32, 0.001, 24.0).batch_size, 32);
  EXPECT_THAT(decide(*fresh, 32, 0.001, 24.0).reason,
              HasSubstr("64 of 5000 examples averaged: hold"));
}

}  // namespace batchlab::norm_test_test
