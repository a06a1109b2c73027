// SPDX-License-Identifier: MIT
#include "nn/half_squared.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

namespace batchlab::half_squared_test {

// Rows (3, 4) and (0, -2): (9 + 16) / 2 + 4 / 2 = 14.5.
TEST(HalfSquared, EqualsAHandComputedNumberAndLeavesItsGradient) {
  std::vector<float> outputs{3, 4, 0, -2};
  MatrixView matrix = view(outputs.data(), 2, 2);
  EXPECT_DOUBLE_EQ(half_squared(matrix, nullptr).loss, 14.5);
  EXPECT_EQ(outputs, (std::vector<float>{3, 4, 0, -2}));
}

TEST(HalfSquared, KnowsNothingThatIsCorrect) {
  float output = 0;
  MatrixView matrix = view(&output, 1, 1);
  EXPECT_TRUE(std::isnan(half_squared(matrix, nullptr).correct));
}

TEST(HalfSquared, IsNotFiniteWhereAnOutputIsNot) {
  for (const float bad : {std::nanf(""), std::numeric_limits<float>::infinity()}) {
    std::vector<float> outputs{1, bad};
    MatrixView matrix = view(outputs.data(), 1, 2);
    EXPECT_FALSE(std::isfinite(half_squared(matrix, nullptr).loss));
  }
}

}  // namespace batchlab::half_squared_test
