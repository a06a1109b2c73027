// SPDX-License-Identifier: MIT
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "examples.hpp"

namespace batchlab::noise_scale_test {

using nlohmann::json;
using testing::HasSubstr;

Decision decide(Controller& rule, std::optional<double> noise_scale) {
  Statistics statistics;
  statistics.noise_scale = noise_scale;
  return rule.decide(statistics);
}

// B = kappa S = 0.5 * 900 = 450.
TEST(NoiseScale, DirectFormIsProportional) {
  const auto rule = make_controller("noise_scale", {{"kappa", 0.5}}, fashion_mnist);
  EXPECT_EQ(decide(*rule, 900).batch_size, 450);
}

// B = sqrt(r S) = sqrt(4 * 900) = 60.
TEST(NoiseScale, SquareRootFormTakesTheExchangeRate) {
  const auto rule = make_controller(
      "noise_scale", {{"form", "square_root"}, {"exchange_rate", 4}}, fashion_mnist);
  EXPECT_EQ(decide(*rule, 900).batch_size, 60);
}

TEST(NoiseScale, StartsWithItsBatchSizeUntilTheNoiseScaleIsKnown) {
  const auto rule = make_controller("noise_scale", {{"batch_size", 48}}, fashion_mnist);
  EXPECT_EQ(decide(*rule, std::nullopt).batch_size, 48);
  EXPECT_THAT(decide(*rule, std::nullopt).reason, HasSubstr("unknown"));
}

TEST(NoiseScale, HoldsItsLastWishWhereTheGradientIsNotResolved) {
  const auto rule = make_controller("noise_scale", json::object(), fashion_mnist);
  EXPECT_EQ(decide(*rule, 700).batch_size, 700);
  const double infinity = std::numeric_limits<double>::infinity();
  for (const double unresolved : {-5.0, 0.0, std::nan(""), infinity, -infinity}) {
    EXPECT_EQ(decide(*rule, unresolved).batch_size, 700) << unresolved;
    EXPECT_THAT(decide(*rule, unresolved).reason, HasSubstr("hold"));
  }
  EXPECT_EQ(decide(*rule, std::nullopt).batch_size, 700);
}

TEST(NoiseScale, IsDampedByDefault) {
  const json& limits = find_controller("noise_scale").limits;
  EXPECT_EQ(limits.at("growth"), 2);
  EXPECT_EQ(limits.at("hysteresis"), 0.1);
  EXPECT_EQ(limits.at("dwell"), 20);
}

}  // namespace batchlab::noise_scale_test
