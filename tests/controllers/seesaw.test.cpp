// SPDX-License-Identifier: MIT
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "examples.hpp"

namespace batchlab::seesaw_test {

using nlohmann::json;

Decision after(const json& options, std::int64_t epochs_completed) {
  Statistics statistics;
  statistics.epochs_completed = epochs_completed;
  return make_controller("seesaw", options, fashion_mnist)->decide(statistics);
}

// a = 4, two milestones: B = 32 * 4^2 = 512, rate / sqrt(4)^2 = 1/4.
TEST(Seesaw, SharesEachDecayBetweenRateAndBatch) {
  const json options{{"factor", 4}};
  EXPECT_EQ(after(options, 1).batch_size, 32);
  EXPECT_EQ(after(options, 1).learning_rate_factor, 1);
  EXPECT_EQ(after(options, 2).batch_size, 128);
  EXPECT_EQ(after(options, 2).learning_rate_factor, 0.5);
  EXPECT_EQ(after(options, 4).batch_size, 512);
  EXPECT_EQ(after(options, 4).learning_rate_factor, 0.25);
}

// a = 2: rate / sqrt(2) = 0.70710678, batch 32 * 2 = 64.
TEST(Seesaw, TheDefaultFactorIsTwo) {
  EXPECT_EQ(after(json::object(), 2).batch_size, 64);
  EXPECT_NEAR(after(json::object(), 2).learning_rate_factor, 0.70710678, 1e-8);
}

// B = 32 * 2^2 = 128.
TEST(Seesaw, ForSgdTheRateIsKept) {
  const json options{{"form", "sgd"}};
  EXPECT_EQ(after(options, 4).batch_size, 128);
  EXPECT_EQ(after(options, 4).learning_rate_factor, 1);
}

// floor(7 / 3) = 2 decays: B = 32 * 2^2 = 128, rate / 2.
TEST(Seesaw, DecaysEverySoManyEpochs) {
  const json options{{"when", "every"}, {"every_epochs", 3}};
  EXPECT_EQ(after(options, 2).batch_size, 32);
  EXPECT_EQ(after(options, 7).batch_size, 128);
  EXPECT_NEAR(after(options, 7).learning_rate_factor, 0.5, 1e-15);
}

TEST(Seesaw, RefusesWhatDoesNotFit) {
  EXPECT_EQ(refusal("seesaw", {{"batch_size", 70000}}),
            "seesaw: batch_size must be in [1, 54000] (the training set), got 70000");
  EXPECT_EQ(refusal("seesaw", {{"milestones", {3, 3}}}),
            "seesaw: milestones must increase, got [3,3]");
  EXPECT_THAT(refusal("seesaw", {{"every_epochs", 3}}),
              testing::HasSubstr("has no meaning for when = \"milestones\""));
}

}  // namespace batchlab::seesaw_test
