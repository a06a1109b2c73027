// SPDX-License-Identifier: MIT
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "examples.hpp"

namespace batchlab::geodamp_test {

using nlohmann::json;

Decision after(const json& options, std::int64_t epochs_completed) {
  Statistics statistics;
  statistics.epochs_completed = epochs_completed;
  return make_controller("geodamp", options, fashion_mnist)->decide(statistics);
}

// After 12 epochs, floor(12 / 5) = 2: B = 32 * 2^2 = 128.
TEST(Geodamp, GrowsGeometricallyEveryDelay) {
  EXPECT_EQ(after(json::object(), 0).batch_size, 32);
  EXPECT_EQ(after(json::object(), 4).batch_size, 32);
  EXPECT_EQ(after(json::object(), 5).batch_size, 64);
  EXPECT_EQ(after(json::object(), 12).batch_size, 128);
}

// floor(7 / 2) = 3: B = 10 * 1.5^3 = 33.75, not rounded here.
TEST(Geodamp, TakesItsFactorAndItsDelay) {
  const json options{{"batch_size", 10}, {"factor", 1.5}, {"delay", 2}};
  EXPECT_EQ(after(options, 7).batch_size, 33.75);
}

TEST(Geodamp, LeavesTheRateAlone) {
  EXPECT_EQ(after(json::object(), 1'000'000).learning_rate_factor, 1);
}

TEST(Geodamp, RefusesABatchThatDoesNotFit) {
  EXPECT_EQ(refusal("geodamp", {{"batch_size", 70000}}),
            "geodamp: batch_size must be in [1, 54000] (the training set), got 70000");
}

}  // namespace batchlab::geodamp_test
