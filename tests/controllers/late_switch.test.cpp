// SPDX-License-Identifier: MIT
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "examples.hpp"

namespace batchlab::late_switch_test {

using nlohmann::json;

double size_at(const json& options, std::int64_t epochs_completed,
               std::int64_t examples_seen) {
  Statistics statistics;
  statistics.epochs_completed = epochs_completed;
  statistics.examples_seen = examples_seen;
  return make_controller("late_switch", options, fashion_mnist)
      ->decide(statistics)
      .batch_size;
}

// 4 epochs of 54000 are 216000 examples.
TEST(LateSwitch, SwitchesOnceAtItsEpoch) {
  EXPECT_EQ(size_at(json::object(), 0, 0), 32);
  EXPECT_EQ(size_at(json::object(), 3, 215999), 32);
  EXPECT_EQ(size_at(json::object(), 4, 216000), 512);
  EXPECT_EQ(size_at(json::object(), 400, 21600000), 512);
}

// 4.5 * 54000 = 243000.
TEST(LateSwitch, TheEpochMayBeAFraction) {
  const json options{{"switch_at", 4.5}};
  EXPECT_EQ(size_at(options, 4, 242999), 32);
  EXPECT_EQ(size_at(options, 4, 243000), 512);
}

// Epochs of 53900, the tail of 100 dropped.
TEST(LateSwitch, AShortEpochCounts) {
  EXPECT_EQ(size_at(json::object(), 3, 4 * 53900 - 1), 32);
  EXPECT_EQ(size_at(json::object(), 4, 4 * 53900), 512);
}

TEST(LateSwitch, CountsExamples) {
  const json options{{"unit", "examples"},
                     {"switch_at", 1000},
                     {"batch_size", 8},
                     {"final_batch_size", 80}};
  EXPECT_EQ(size_at(options, 7, 999), 8);
  EXPECT_EQ(size_at(options, 0, 1000), 80);
}

TEST(LateSwitch, RefusesSizesThatDoNotFit) {
  EXPECT_EQ(
      refusal("late_switch", {{"batch_size", 70000}}),
      "late_switch: batch_size must be in [1, 54000] (the training set), got 70000");
  EXPECT_EQ(refusal("late_switch", {{"final_batch_size", 70000}}),
            "late_switch: final_batch_size must be in [1, 54000] (the training set), "
            "got 70000");
  EXPECT_THAT(refusal("late_switch", {{"unit", "examples"}, {"switch_at", 4.5}}),
              testing::HasSubstr("an integer"));
}

}  // namespace batchlab::late_switch_test
