// SPDX-License-Identifier: MIT
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "examples.hpp"

namespace batchlab::adabatch_test {

using nlohmann::json;

Decision after(const json& options, std::int64_t epochs_completed) {
  Statistics statistics;
  statistics.epochs_completed = epochs_completed;
  return make_controller("adabatch", options, fashion_mnist)->decide(statistics);
}

// k = 20, beta = 2, a = 0.5; after 45 epochs n = floor(45 / 20) = 2:
// B = 32 * 2^2 = 128, rate times 0.5^2 = 0.25.
TEST(Adabatch, GrowsTheBatchAndLowersTheRateEveryKEpochs) {
  EXPECT_EQ(after(json::object(), 0).batch_size, 32);
  EXPECT_EQ(after(json::object(), 0).learning_rate_factor, 1);
  EXPECT_EQ(after(json::object(), 19).batch_size, 32);
  EXPECT_EQ(after(json::object(), 20).batch_size, 64);
  EXPECT_EQ(after(json::object(), 20).learning_rate_factor, 0.5);
  EXPECT_EQ(after(json::object(), 45).batch_size, 128);
  EXPECT_EQ(after(json::object(), 45).learning_rate_factor, 0.25);
}

// n = 3: wanted = 32 * 4^3 = 2048, held at 100: rate times
// 0.75^3 * 100 / 2048 = 0.421875 * 0.048828125 = 0.020599365234375.
TEST(Adabatch, AboveItsCapTheRateFallsInstead) {
  const json options{{"every_epochs", 2},
                     {"factor", 4},
                     {"learning_rate_factor", 0.75},
                     {"maximum_batch_size", 100}};
  EXPECT_EQ(after(options, 6).batch_size, 100);
  EXPECT_NEAR(after(options, 6).learning_rate_factor, 0.020599365234375, 1e-15);
}

// Batch over rate, which sets the noise, changes alike below the cap and above.
TEST(Adabatch, TheCapDoesNotChangeRateOverBatch) {
  const json free{{"every_epochs", 1}};
  const json capped{{"every_epochs", 1}, {"maximum_batch_size", 50}};
  for (std::int64_t epochs = 0; epochs < 10; ++epochs) {
    const Decision one = after(free, epochs), other = after(capped, epochs);
    EXPECT_DOUBLE_EQ(one.learning_rate_factor / one.batch_size,
                     other.learning_rate_factor / other.batch_size);
  }
}

// 32 * 2^10 = 32768; 32 * 2^11 = 65536 is above 54000: rate times
// 0.5^11 * 54000 / 65536 = 0.00048828125 * 0.823974609375 = 4.02331352233887e-4.
TEST(Adabatch, TheCapIsTheTrainingSetByDefault) {
  const json options{{"every_epochs", 1}};
  EXPECT_EQ(after(options, 10).batch_size, 32768);
  EXPECT_EQ(after(options, 11).batch_size, 54000);
  EXPECT_NEAR(after(options, 11).learning_rate_factor, 4.02331352233887e-4, 1e-15);
}

TEST(Adabatch, RefusesSizesThatDoNotFit) {
  EXPECT_EQ(refusal("adabatch", {{"batch_size", 70000}}),
            "adabatch: batch_size must be in [1, 54000] (the training set), got 70000");
  EXPECT_EQ(refusal("adabatch", {{"maximum_batch_size", 70000}}),
            "adabatch: maximum_batch_size must be in [1, 54000] (the training set), "
            "got 70000");
  EXPECT_EQ(refusal("adabatch", {{"maximum_batch_size", 16}}),
            "adabatch: batch_size must be in [1, 16] (the maximum), got 32");
  EXPECT_EQ(refusal("adabatch", {{"maximum_batch_size", 32}}), "");
}

}  // namespace batchlab::adabatch_test
