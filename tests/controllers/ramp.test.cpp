// SPDX-License-Identifier: MIT
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "examples.hpp"

namespace batchlab::ramp_test {

using nlohmann::json;

double size_at(const json& options, std::int64_t examples_seen) {
  Statistics statistics;
  statistics.examples_seen = examples_seen;
  return make_controller("ramp", options, fashion_mnist)->decide(statistics).batch_size;
}

// n = (96 - 32) / 16 = 4 increases in 1000 examples, one each 250:
// t = 600: 32 + floor(600 / 250) 16 = 32 + 2 * 16 = 64.
TEST(Ramp, LinearAddsItsIncrementInEqualStretches) {
  const json options{{"batch_size", 32},
                     {"final_batch_size", 96},
                     {"increment", 16},
                     {"ramp_examples", 1000}};
  EXPECT_EQ(size_at(options, 0), 32);
  EXPECT_EQ(size_at(options, 249), 32);
  EXPECT_EQ(size_at(options, 250), 48);
  EXPECT_EQ(size_at(options, 600), 64);
  EXPECT_EQ(size_at(options, 999), 80);
  EXPECT_EQ(size_at(options, 1000), 96);
  EXPECT_EQ(size_at(options, 1'000'000'000'000), 96);
}

// n = log(256 / 32) / log(2) = 3, one each 200: t = 450: 32 * 2^floor(2.25) = 128.
TEST(Ramp, GeometricMultipliesInEqualStretches) {
  const json options{{"shape", "geometric"},
                     {"batch_size", 32},
                     {"final_batch_size", 256},
                     {"ramp_examples", 600}};
  EXPECT_EQ(size_at(options, 199), 32);
  EXPECT_EQ(size_at(options, 200), 64);
  EXPECT_EQ(size_at(options, 450), 128);
  EXPECT_EQ(size_at(options, 599), 128);
  EXPECT_EQ(size_at(options, 600), 256);
}

// log(1000) / log(10) rounds to below 3; the second increase is at 200 all the same.
TEST(Ramp, GeometricIncreasesWhereLogarithmsRoundDown) {
  const json options{{"shape", "geometric"},
                     {"batch_size", 1},
                     {"factor", 10},
                     {"final_batch_size", 1000},
                     {"ramp_examples", 300}};
  EXPECT_EQ(size_at(options, 199), 10);
  EXPECT_NEAR(size_at(options, 200), 100, 1e-9);
}

// n = (100 - 32) / 30 = 2.27: at t = 900 of 1000, floor(2.04) = 2 and B = 92; the rest
// comes at the end. n = log(100 / 32) / log(2) = 1.64: 64 from 608 on.
TEST(Ramp, NeverExceedsAFinalSizeBetweenTwoIncreases) {
  json options{{"batch_size", 32},
               {"final_batch_size", 100},
               {"increment", 30},
               {"ramp_examples", 1000}};
  EXPECT_EQ(size_at(options, 900), 92);
  EXPECT_EQ(size_at(options, 999), 92);
  EXPECT_EQ(size_at(options, 1000), 100);
  options.erase("increment");
  options["shape"] = "geometric";
  EXPECT_EQ(size_at(options, 608), 32);
  EXPECT_EQ(size_at(options, 609), 64);
  EXPECT_EQ(size_at(options, 1000), 100);
}

// n = (512 - 32) / 32 = 15 in 2 * 54000 = 108000 examples, one each 7200.
TEST(Ramp, LastsTwoTrainingSetsByDefault) {
  EXPECT_EQ(size_at(json::object(), 7199), 32);
  EXPECT_EQ(size_at(json::object(), 7200), 64);
  EXPECT_EQ(size_at(json::object(), 107999), 480);
  EXPECT_EQ(size_at(json::object(), 108000), 512);
}

TEST(Ramp, WithoutARiseIsConstant) {
  EXPECT_EQ(size_at({{"batch_size", 512}}, 5000), 512);
  EXPECT_EQ(size_at({{"batch_size", 512}, {"shape", "geometric"}}, 5000), 512);
}

TEST(Ramp, RefusesSizesThatDoNotFit) {
  EXPECT_EQ(
      refusal("ramp", {{"final_batch_size", 70000}}),
      "ramp: final_batch_size must be in [1, 54000] (the training set), got 70000");
  EXPECT_EQ(refusal("ramp", {{"batch_size", 600}}),
            "ramp: batch_size must be at most the final 512, got 600");
}

}  // namespace batchlab::ramp_test
