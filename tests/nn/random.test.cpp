// SPDX-License-Identifier: MIT
#include "nn/random.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <set>
#include <vector>

namespace batchlab::random_test {

using testing::ElementsAre;

constexpr std::uint32_t all_ones = 0xffffffffU;

RandomPurpose purpose(std::uint32_t value) { return static_cast<RandomPurpose>(value); }

// Known answers of Random123 (kat_vectors, philox4x32 10); the key is (seed, purpose).
TEST(RandomBits, AreThoseOfPhilox4x32With10Rounds) {
  EXPECT_THAT(random_bits(0, purpose(0), {0, 0, 0, 0}),
              ElementsAre(0x6627e8d5U, 0xe169c58dU, 0xbc57ac4cU, 0x9b00dbd8U));
  EXPECT_THAT(random_bits(all_ones, purpose(all_ones),
                          {all_ones, all_ones, all_ones, all_ones}),
              ElementsAre(0x408f276dU, 0x41c83b0eU, 0xa20bc7c6U, 0x6d5451fdU));
  EXPECT_THAT(random_bits(0xa4093822U, purpose(0x299f31d0U),
                          {0x243f6a88U, 0x85a308d3U, 0x13198a2eU, 0x03707344U}),
              ElementsAre(0xd16cfe09U, 0x94fdccebU, 0x5001e420U, 0x24126ea1U));
}

TEST(RandomBits, DifferBetweenSeedsPurposesAndCounters) {
  std::set<RandomCounter> seen;
  std::size_t asked = 0;
  for (const std::uint32_t seed : {0U, 1U, 2U}) {
    for (const auto what : {RandomPurpose::data_order, RandomPurpose::data_split,
                            RandomPurpose::initial_weights, RandomPurpose::dropout}) {
      for (std::uint32_t word = 0; word < 4; ++word) {
        RandomCounter counter{};
        counter[word] = 1;
        seen.insert(random_bits(seed, what, counter));
        ++asked;
      }
    }
  }
  EXPECT_EQ(seen.size(), asked);
}

TEST(RandomPurposeValues, AreFixedForever) {
  EXPECT_EQ(RandomPurpose::data_order, purpose(1));
  EXPECT_EQ(RandomPurpose::data_split, purpose(2));
  EXPECT_EQ(RandomPurpose::initial_weights, purpose(3));
  EXPECT_EQ(RandomPurpose::dropout, purpose(4));
  EXPECT_EQ(RandomPurpose::generated_data, purpose(5));
  EXPECT_EQ(RandomPurpose::quadratic, purpose(6));
}

TEST(UniformFloat, RunsFromZeroToJustBelowOne) {
  EXPECT_EQ(uniform_float(0), 0.0F);
  EXPECT_EQ(uniform_float(0x80000000U), 0.5F);
  EXPECT_EQ(uniform_float(all_ones), 1.0F - 0x1p-24F);
  EXPECT_LT(uniform_float(all_ones), 1.0F);
}

// floor(bits x bound / 2^64) with the 64 bits (high, low).
TEST(UniformInteger, ScalesAllSixtyFourBits) {
  EXPECT_EQ(uniform_integer(0, 0, 10), 0U);
  EXPECT_EQ(uniform_integer(all_ones, all_ones, 10), 9U);
  EXPECT_EQ(uniform_integer(all_ones, all_ones, all_ones), all_ones - 1);
  EXPECT_EQ(uniform_integer(all_ones, all_ones, 1), 0U);
  EXPECT_EQ(uniform_integer(0x80000000U, 0, 10), 5U);
  EXPECT_EQ(uniform_integer(0x7fffffffU, all_ones, 10), 4U);
  // A third of 2^64 is 0x5555555555555555.33: the low word decides.
  EXPECT_EQ(uniform_integer(0x55555555U, 0x55555555U, 3), 0U);
  EXPECT_EQ(uniform_integer(0x55555555U, 0x55555556U, 3), 1U);
}

// Chi-squared of 70,000 draws in 7 cells: 6 degrees of freedom, above 22.46 once in
// 1,000.
TEST(UniformInteger, IsUniform) {
  std::vector<int> counts(7, 0);
  for (std::uint32_t i = 0; i < 70'000; ++i) {
    const auto bits = random_bits(1, RandomPurpose::data_order, {i, 0, 0, 0});
    ++counts[uniform_integer(bits[0], bits[1], 7)];
  }
  double chi_squared = 0;
  for (const int count : counts) chi_squared += std::pow(count - 10'000, 2) / 10'000;
  EXPECT_LT(chi_squared, 22.46);
  EXPECT_GT(chi_squared, 0.1);
}

}  // namespace batchlab::random_test
