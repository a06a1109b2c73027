// SPDX-License-Identifier: MIT
#include "results/permutation_test.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "results/resampling.hpp"
#include "tests/results/support.hpp"

namespace batchlab::permutation_test_test {

using testing::DoubleEq;
using testing::ElementsAre;
using testing::HasSubstr;
using Values = std::vector<double>;

// Every p value below was also counted by an enumeration in another language.

// All signs alike or all flipped, of 8 patterns: 2/8.
TEST(SignFlips, OfThreePairsGiveNoLessThanAQuarter) {
  const PermutationTest test = sign_flip_test(Values{1, 2, 3});
  EXPECT_DOUBLE_EQ(test.p, 0.25);
  EXPECT_DOUBLE_EQ(test.least_p, 0.25);
  EXPECT_TRUE(test.exact);
}

// Sizes add to 10, the sum is 8: patterns whose minority adds to at most 1, which are
// none and {1}, each in both signs: 4/16.
TEST(SignFlips, MatchAHandCount) {
  EXPECT_DOUBLE_EQ(sign_flip_test(Values{3, -1, 2, 4}).p, 4.0 / 16);
  // 22 and 18: minorities of at most 2 are none, {1} and {2}: 6/64.
  EXPECT_DOUBLE_EQ(sign_flip_test(Values{5, 7, 1, 3, -2, 4}).p, 6.0 / 64);
}

// Sizes add to 12, the sum is 8: minorities of at most 2 are none or one of six, in
// both signs, and the zero doubles each: (1 + 6) 2 2 / 128.
TEST(SignFlips, CountTiesAndZeros) {
  EXPECT_DOUBLE_EQ(sign_flip_test(Values{2, 2, 2, 2, 2, -2, 0}).p, 28.0 / 128);
  // Sums of tenths are equal only up to rounding: as of whole numbers, 21 of 32 halves.
  EXPECT_DOUBLE_EQ(sign_flip_test(Values{3, 1, 4, -2, -3, 1}).p, 21.0 / 32);
  EXPECT_DOUBLE_EQ(sign_flip_test(Values{.3, .1, .4, -.2, -.3, .1}).p, 21.0 / 32);
  EXPECT_EQ(sign_flip_test(Values{0, 0, 0}).p, 1);
  EXPECT_EQ(sign_flip_test(Values{}).p, 1);
}

// 21 pairs, +1 but for 5: P(at most 5 or at least 16 of 21) = 2 (1 + 21 + 210 + 1330 +
// 5985 + 20349) / 2^21 = 0.026604. The deviation of 100,000 draws is 0.0005.
TEST(SignFlips, DrawnComeCloseToTheBinomial) {
  Values differences(21, 1);
  for (std::size_t i = 0; i < 5; ++i) differences[3 * i] = -1;
  const PermutationTest test = sign_flip_test(differences, 4);
  EXPECT_FALSE(test.exact);
  EXPECT_NEAR(test.p, 0.026604, 0.002);
  EXPECT_EQ(test.p, sign_flip_test(differences, 4).p);
  EXPECT_NE(test.p, sign_flip_test(differences, 5).p);
  EXPECT_DOUBLE_EQ(sign_flip_test(Values(40, 1)).p, 1.0 / 100001);
}

// A rival: every sign of every draw on its own.
TEST(SignFlips, DrawnAreThoseOfTheStreamOneByOne) {
  Values differences;
  for (int i = 0; i < 37; ++i) differences.push_back(std::sin(i) + 0.1);
  double found = 0;
  for (const double difference : differences) found += difference;
  std::uint32_t hits = 0;
  for (std::uint32_t draw = 0; draw < 100000; ++draw) {
    ResamplingDraws draws(3, ResamplingPurpose::sign_flips, draw);
    const std::uint64_t low = draws.bits(),
                        bits = low | std::uint64_t{draws.bits()} << 32;
    double flipped = 0;
    for (std::size_t i = 0; i < differences.size(); ++i) {
      flipped += (bits >> i & 1) != 0 ? differences[i] : -differences[i];
    }
    if (std::abs(flipped) >= std::abs(found)) ++hits;
  }
  EXPECT_EQ(sign_flip_test(differences, 3).p, (1 + hits) / 100001.0);
}

TEST(SignFlips, RefuseARunThatNeverArrived) {
  const double infinity = std::numeric_limits<double>::infinity();
  const Error error = test::error_of([&] {
    (void)sign_flip_test(Values{1, infinity});
  });
  EXPECT_EQ(error.kind(), ErrorKind::data);
  EXPECT_THAT(error.what(), HasSubstr("must be finite, got inf"));
}

// The split found and its mirror image, of 20.
TEST(Splits, MatchAHandCount) {
  const PermutationTest test = split_test(Values{1, 2, 3}, Values{4, 5, 6});
  EXPECT_DOUBLE_EQ(test.p, 2.0 / 20);
  EXPECT_DOUBLE_EQ(test.least_p, 2.0 / 20);
  // Means 23 and 32. Splits of 188 into 4 and 3 values as far apart have a first sum of
  // at most 92, or of at least 122.86: 19+22+23+25 = 89, 19+22+23+26 = 90,
  // 19+22+25+26 = 92, and no other small one but {22,23,..} = 96;
  // large: {26,33,40} + 25 = 124. 4/35.
  EXPECT_DOUBLE_EQ(split_test(Values{19, 22, 25, 26}, Values{23, 33, 40}).p, 4.0 / 35);
  EXPECT_DOUBLE_EQ(split_test(Values{1, 4, 2}, Values{3, 5}).p, 4.0 / 10);
}

TEST(Splits, DoNotDependOnTheOrderOfTheSamples) {
  const Values first = {0.1, 0.7, 0.4}, second = {0.3, 0.9, 0.2, 0.8};
  EXPECT_DOUBLE_EQ(split_test(first, second).p, split_test(second, first).p);
  EXPECT_EQ(split_test({}, second).p, 1);
}

// 20 over 10 is 184,756 and is counted, 22 over 11 is 705,432 and is drawn.
TEST(Splits, AreDrawnWhereThereAreTooMany) {
  Values low, high;
  for (int i = 0; i < 10; ++i) low.push_back(i), high.push_back(100 + i);
  const PermutationTest counted = split_test(low, high);
  EXPECT_TRUE(counted.exact);
  EXPECT_DOUBLE_EQ(counted.p, 2.0 / 184756);
  low.push_back(10), high.push_back(110);
  const PermutationTest drawn = split_test(low, high);
  EXPECT_FALSE(drawn.exact);
  EXPECT_LT(drawn.p, 4.0 / 100001);
}

// 0 and 1 alone: the number of ones in the first sample is hypergeometric; 9 of 12 and
// 3 of 12 are as far apart as found or more with P(|k - 6| >= 3),
// k of 12 from 12 ones in 24: 2 (1 + 144 + 66^2 + 220^2) / 2704156 = 0.039126.
TEST(Splits, DrawnComeCloseToTheHypergeometric) {
  Values first(12, 1), second(12, 0);
  for (std::size_t i = 0; i < 3; ++i) first[i] = 0, second[i] = 1;
  EXPECT_NEAR(split_test(first, second).p, 0.039126, 0.003);
}

// Sorted 0.01, 0.02, 0.04, 0.3: times 4, 3, 2, 1 is 0.04, 0.06, 0.08, 0.3.
TEST(Holm, CorrectsFromTheLeastUp) {
  EXPECT_THAT(
      holm(Values{0.04, 0.01, 0.3, 0.02}),
      ElementsAre(DoubleEq(0.08), DoubleEq(0.04), DoubleEq(0.3), DoubleEq(0.06)));
  // 3 * 0.02 = 0.06, then 2 * 0.025 = 0.05 would be less; 0.9 stays.
  EXPECT_THAT(holm(Values{0.025, 0.02, 0.9}),
              ElementsAre(DoubleEq(0.06), DoubleEq(0.06), DoubleEq(0.9)));
  EXPECT_THAT(holm(Values{0.5, 0.6}), ElementsAre(1, 1));
  EXPECT_THAT(holm(Values{}), ElementsAre());
}

}  // namespace batchlab::permutation_test_test
