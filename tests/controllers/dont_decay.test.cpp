// SPDX-License-Identifier: MIT
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "examples.hpp"

namespace batchlab::dont_decay_test {

using nlohmann::json;

Decision after(const json& options, std::int64_t epochs_completed) {
  Statistics statistics;
  statistics.epochs_completed = epochs_completed;
  return make_controller("dont_decay", options, fashion_mnist)->decide(statistics);
}

// k = 5, milestones 2 and 4: 32, 32 * 5 = 160, 160 * 5 = 800, all below 54000 / 10.
TEST(DontDecay, GrowsTheBatchWhereAScheduleWouldDivideTheRate) {
  EXPECT_EQ(after(json::object(), 1).batch_size, 32);
  EXPECT_EQ(after(json::object(), 2).batch_size, 160);
  EXPECT_EQ(after(json::object(), 3).batch_size, 160);
  EXPECT_EQ(after(json::object(), 4).batch_size, 800);
  EXPECT_EQ(after(json::object(), 4).learning_rate_factor, 1);
  EXPECT_EQ(after(json::object(), 100).batch_size, 800);
}

// m = 2: wanted = 300 * 5^2 = 7500, above 54000 / 10 = 5400: rate times
// 5400 / 7500 = 0.72. m = 3: 5400 / 37500 = 0.144, five times less.
TEST(DontDecay, WhatTheBatchCannotTakeTheRateTakes) {
  const json options{{"batch_size", 300}, {"milestones", {1, 2, 3}}};
  EXPECT_EQ(after(options, 1).batch_size, 1500);
  EXPECT_EQ(after(options, 1).learning_rate_factor, 1);
  EXPECT_NEAR(after(options, 2).batch_size, 5400, 1e-9);
  EXPECT_NEAR(after(options, 2).learning_rate_factor, 0.72, 1e-12);
  EXPECT_NEAR(after(options, 3).batch_size, 5400, 1e-9);
  EXPECT_NEAR(after(options, 3).learning_rate_factor, 0.144, 1e-12);
}

// 54000 / 4 = 13500; wanted = 32 * 25^2 = 20000: 13500 / 20000 = 0.675.
TEST(DontDecay, TheShareIsAnOption) {
  const json options{{"largest_share", 0.25}, {"factor", 25}};
  EXPECT_EQ(after(options, 4).batch_size, 13500);
  EXPECT_EQ(after(options, 4).learning_rate_factor, 0.675);
}

// 6000 is above 5400 from the start; at the first milestone the rate is divided by 5.
TEST(DontDecay, AFirstBatchAboveTheShareIsKept) {
  const json options{{"batch_size", 6000}};
  EXPECT_EQ(after(options, 0).batch_size, 6000);
  EXPECT_EQ(after(options, 0).learning_rate_factor, 1);
  EXPECT_EQ(after(options, 2).batch_size, 6000);
  EXPECT_DOUBLE_EQ(after(options, 2).learning_rate_factor, 0.2);
}

TEST(DontDecay, RefusesWhatDoesNotFit) {
  EXPECT_EQ(
      refusal("dont_decay", {{"batch_size", 70000}}),
      "dont_decay: batch_size must be in [1, 54000] (the training set), got 70000");
  EXPECT_EQ(refusal("dont_decay", {{"milestones", {4, 2}}}),
            "dont_decay: milestones must increase, got [4,2]");
}

}  // namespace batchlab::dont_decay_test
