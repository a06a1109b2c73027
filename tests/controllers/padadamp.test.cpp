// SPDX-License-Identifier: MIT
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "examples.hpp"

namespace batchlab::padadamp_test {

using nlohmann::json;

double size_at(const json& options, std::int64_t step) {
  Statistics statistics;
  statistics.step = step;
  return make_controller("padadamp", options, fashion_mnist)
      ->decide(statistics)
      .batch_size;
}

// Step 1500 at 0.001: ceil(32 + 1.5) = 34.
TEST(Padadamp, GrowsByTheSameAtEveryStepRoundedUp) {
  EXPECT_EQ(size_at(json::object(), 0), 32);
  EXPECT_EQ(size_at(json::object(), 1), 33);
  EXPECT_EQ(size_at(json::object(), 1000), 33);
  EXPECT_EQ(size_at(json::object(), 1500), 34);
}

// ceil(8 + 2.5 * 7) = ceil(25.5) = 26.
TEST(Padadamp, TakesItsGrowth) {
  EXPECT_EQ(size_at({{"batch_size", 8}, {"growth_per_step", 2.5}}, 7), 26);
  EXPECT_EQ(size_at({{"batch_size", 8}, {"growth_per_step", 0}}, 1'000'000), 8);
}

TEST(Padadamp, RefusesABatchThatDoesNotFit) {
  EXPECT_EQ(refusal("padadamp", {{"batch_size", 70000}}),
            "padadamp: batch_size must be in [1, 54000] (the training set), got 70000");
}

}  // namespace batchlab::padadamp_test
