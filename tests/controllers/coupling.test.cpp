// SPDX-License-Identifier: MIT
#include "controllers/coupling.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "examples.hpp"

namespace batchlab::coupling_test {

double factor(const std::string& name, const CouplingInput& input) {
  return find_coupling(name).factor(input);
}

// Batch size 128 against a reference of 32: k = 4; and 8: k = 1/4.
TEST(Coupling, FollowsItsPowerOfTheBatchSize) {
  const CouplingInput larger{.batch_size = 128, .reference_batch_size = 32};
  const CouplingInput smaller{.batch_size = 8, .reference_batch_size = 32};
  EXPECT_EQ(factor("none", larger), 1);
  EXPECT_EQ(factor("linear", larger), 4);
  EXPECT_EQ(factor("sqrt", larger), 2);
  EXPECT_EQ(factor("adam_sde", larger), 2);
  EXPECT_EQ(factor("linear", smaller), 0.25);
  EXPECT_EQ(factor("sqrt", smaller), 0.5);
  CouplingInput cubed = larger;
  cubed.power = 1.5;  // 4^1.5 = 8
  EXPECT_DOUBLE_EQ(factor("power", cubed), 8);
}

// S = 96, B = 128, B0 = 32: gain (96/32 + 1) / (96/128 + 1) = 4 / 1.75 = 16/7;
// 1 / (1 + 0.75) = 4/7; sqrt(0.75) + sqrt(4/3) = (0.75 + 1) / sqrt(0.75), so
// 2 sqrt(0.75) / 1.75.
TEST(Coupling, FollowsTheNoiseScale) {
  const CouplingInput input{
      .batch_size = 128, .reference_batch_size = 32, .noise_scale = 96};
  EXPECT_DOUBLE_EQ(factor("adascale", input), 16.0 / 7);
  EXPECT_DOUBLE_EQ(factor("adascale_sqrt", input), std::sqrt(16.0 / 7));
  EXPECT_DOUBLE_EQ(factor("saturating", input), 4.0 / 7);
  EXPECT_DOUBLE_EQ(factor("surge", input), 2 * std::sqrt(0.75) / 1.75);
}

TEST(Coupling, AdaScaleIsLinearUnderNoiseAndOneWithoutIt) {
  CouplingInput input{.batch_size = 320, .reference_batch_size = 32};
  input.noise_scale = 1e12;
  EXPECT_NEAR(factor("adascale", input), 10, 1e-6);
  input.noise_scale = 1e-12;
  EXPECT_NEAR(factor("adascale", input), 1, 1e-6);
}

TEST(Coupling, SurgeIsLargestWhereTheBatchIsTheNoiseScale) {
  CouplingInput input{.batch_size = 50, .reference_batch_size = 32, .noise_scale = 50};
  EXPECT_EQ(factor("surge", input), 1);
  for (const double other : {25.0, 100.0}) {  // the same on either side
    input.batch_size = other;
    EXPECT_NEAR(factor("surge", input), 2 * std::sqrt(2) / 3, 1e-12);
  }
}

TEST(Coupling, EveryOneThatFollowsTheReferenceKeepsItsBaseRateThere) {
  ASSERT_EQ(couplings().size(), 9U);
  for (const Coupling& coupling : couplings()) {
    EXPECT_FALSE(coupling.source.empty());
    if (coupling.name == "saturating" || coupling.name == "surge") continue;
    EXPECT_EQ(coupling.factor({32, 32, 70, 0.7}), 1) << coupling.name;
  }
}

TEST(Coupling, UnknownOneIsRefusedNamingTheClosest) {
  EXPECT_EQ(
      error_of([] { (void)find_coupling("liner"); }),
      "unknown coupling \"liner\"; did you mean \"linear\"? (known: none, linear, "
      "sqrt, power, adascale, adascale_sqrt, saturating, surge, adam_sde)");
}

}  // namespace batchlab::coupling_test
