// SPDX-License-Identifier: MIT
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "controllers/limits.hpp"
#include "examples.hpp"

namespace batchlab::cabs_test {

using nlohmann::json;
using testing::HasSubstr;

Decision decide(Controller& rule, std::optional<double> variance, double loss) {
  Statistics statistics;
  statistics.batch_size = 32;
  statistics.learning_rate = 0.1;
  statistics.batch_loss = loss;
  statistics.gradient_variance_trace = variance;
  return rule.decide(statistics);
}

// s - q = 320 * 31 / 32 = 310: xi = 0.05 * 310 = 15.5, L = 0.95 + 0.05 * 2 = 1.05,
// B = 0.1 * 15.5 / 1.05 = 1.476190. Then xi = 0.95 * 15.5 + 15.5 = 30.225,
// L = 0.95 * 1.05 + 0.1 = 1.0975, B = 0.1 * 30.225 / 1.0975 = 2.753986.
TEST(Cabs, IsRateTimesVarianceOverLoss) {
  const auto rule = make_controller("cabs", json::object(), fashion_mnist);
  EXPECT_EQ(decide(*rule, std::nullopt, 0).batch_size, 16);
  EXPECT_NEAR(decide(*rule, 320.0, 2).batch_size, 1.476190, 1e-6);
  EXPECT_NEAR(decide(*rule, 320.0, 2).batch_size, 2.753986, 1e-6);
}

TEST(Cabs, HoldsWhatIsNotMeasuredOrNotFinite) {
  const auto rule = make_controller("cabs", json::object(), fashion_mnist);
  const double before = decide(*rule, 320.0, 2).batch_size;
  const double nan = std::nan(""), infinity = std::numeric_limits<double>::infinity();
  EXPECT_THAT(decide(*rule, std::nullopt, 5).reason, HasSubstr("not measured"));
  EXPECT_THAT(decide(*rule, nan, 5).reason, HasSubstr("hold"));
  EXPECT_THAT(decide(*rule, infinity, 5).reason, HasSubstr("hold"));
  EXPECT_EQ(decide(*rule, 320.0, nan).batch_size, before);
  // None of them went into the averages.
  EXPECT_NEAR(decide(*rule, 320.0, 2).batch_size, 2.753986, 1e-6);
}

TEST(Cabs, HoldsWithoutVarianceOrPositiveLoss) {
  const auto rule = make_controller("cabs", json::object(), fashion_mnist);
  EXPECT_EQ(decide(*rule, 0.0, 2).batch_size, 16);
  EXPECT_EQ(decide(*rule, 320.0, -1000).batch_size, 16);
  EXPECT_THAT(decide(*rule, 320.0, -1000).reason, HasSubstr("hold"));
}

// B = c (B - 1) / B with c = rate V / L = 0.1 * 1000 / 1 = 100:
// B = (100 + sqrt(100^2 - 4 * 100)) / 2 = (100 + 97.97959) / 2 = 98.9898.
TEST(Cabs, SettlesAtRateTimesVarianceOverLoss) {
  const auto rule = make_controller("cabs", json::object(), fashion_mnist);
  EXPECT_NEAR(settled(*rule, 1000, 0.01), 98.9898, 1e-3);
  // The true gradient does not count.
  const auto other = make_controller("cabs", json::object(), fashion_mnist);
  EXPECT_NEAR(settled(*other, 1000, -5), 98.9898, 1e-3);
}

TEST(Cabs, ItsLimitsAreThoseOfTheAuthorsCode) {
  const json limits =
      checked_options("limits", limits_options(), find_controller("cabs").limits);
  EXPECT_EQ(limits_from(limits, fashion_mnist).minimum, 16);
  EXPECT_EQ(limits_from(limits, fashion_mnist).maximum, 2048);
  EXPECT_EQ(limits_from(limits, {600}).maximum, 600);
}

TEST(Cabs, IsForPlainSgdOnly) {
  EXPECT_TRUE(find_controller("cabs").plain_sgd_only);
  EXPECT_FALSE(find_controller("norm_test").plain_sgd_only);
}

}  // namespace batchlab::cabs_test
