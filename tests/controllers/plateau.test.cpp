// SPDX-License-Identifier: MIT
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "examples.hpp"

namespace batchlab::plateau_test {

using nlohmann::json;
using testing::ElementsAre;

// The batch size wanted after each value of the metric.
std::vector<double> sizes(
    const json& options, const std::vector<double>& values,
    std::optional<double> Statistics::*metric = &Statistics::validation_loss) {
  const auto rule = make_controller("plateau", options, fashion_mnist);
  std::vector<double> result;
  for (const double value : values) {
    Statistics statistics;
    statistics.*metric = value;
    result.push_back(rule->decide(statistics).batch_size);
  }
  return result;
}

TEST(Plateau, DoublesAfterPatienceChecksWithoutImprovement) {
  EXPECT_THAT(sizes({{"patience", 2}}, {1.0, 1.0, 1.0, 1.0, 1.0, 0.9, 0.9}),
              ElementsAre(32, 32, 64, 64, 128, 128, 128));
}

TEST(Plateau, AnImprovementStartsTheCountAgain) {
  EXPECT_THAT(sizes({{"patience", 2}}, {1.0, 1.1, 0.9, 1.0, 0.8, 0.9, 0.9}),
              ElementsAre(32, 32, 32, 32, 32, 32, 64));
}

// 1 (1 - 0.1) = 0.9: 0.9 is not below, 0.89 is.
TEST(Plateau, ALossMustFallByTheRelativeThreshold) {
  const json options{{"patience", 1}, {"threshold", 0.1}};
  EXPECT_THAT(sizes(options, {1.0, 0.9}), ElementsAre(32, 64));
  EXPECT_THAT(sizes(options, {1.0, 0.89}), ElementsAre(32, 32));
}

// 0.5 (1 + 0.1) = 0.55: 0.54 is not above, 0.56 is.
TEST(Plateau, AnAccuracyMustRiseByTheRelativeThreshold) {
  const json options{
      {"patience", 1}, {"threshold", 0.1}, {"metric", "validation_accuracy"}};
  EXPECT_THAT(sizes(options, {0.5, 0.54}, &Statistics::validation_accuracy),
              ElementsAre(32, 64));
  EXPECT_THAT(sizes(options, {0.5, 0.56}, &Statistics::validation_accuracy),
              ElementsAre(32, 32));
}

// ceil(1.5 * 5) = 8, ceil(1.5 * 8) = 12.
TEST(Plateau, RoundsUpItsOwnWish) {
  EXPECT_THAT(
      sizes({{"patience", 1}, {"factor", 1.5}, {"batch_size", 5}}, {1.0, 1.0, 1.0}),
      ElementsAre(5, 8, 12));
}

TEST(Plateau, ChecksInTheCooldownDoNotCount) {
  EXPECT_THAT(sizes({{"patience", 1}, {"cooldown", 2}}, {1.0, 1.0, 1.0, 1.0, 1.0}),
              ElementsAre(32, 64, 64, 64, 128));
}

TEST(Plateau, NanIsNotBetterEvenAsTheFirst) {
  const double nan = std::nan("");
  EXPECT_THAT(sizes({{"patience", 2}}, {nan, nan, 1.0, nan, nan}),
              ElementsAre(32, 64, 64, 64, 128));
}

TEST(Plateau, AStepWithoutTheMetricIsNoCheck) {
  const auto rule = make_controller("plateau", {{"patience", 1}}, fashion_mnist);
  Statistics statistics;
  statistics.validation_loss = 1;
  (void)rule->decide(statistics);
  for (int step = 0; step < 5; ++step) EXPECT_EQ(rule->decide({}).batch_size, 32);
  EXPECT_EQ(rule->decide(statistics).batch_size, 64);
}

TEST(Plateau, NeedsTheChosenMetricOnly) {
  const auto rule =
      make_controller("plateau", {{"metric", "training_loss"}}, fashion_mnist);
  EXPECT_EQ(rule->needs(), Needs{&Statistics::training_loss});
}

}  // namespace batchlab::plateau_test
