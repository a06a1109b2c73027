// SPDX-License-Identifier: MIT
#include "nn/quadratic.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

namespace batchlab::quadratic_test {

using testing::AllOf;
using testing::Each;
using testing::Ge;
using testing::Lt;

double product(const Quadratic& quadratic, std::size_t i, std::size_t j) {
  const auto a = quadratic.eigenvector(i), b = quadratic.eigenvector(j);
  return std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
}

TEST(Quadratic, EigenvectorsAreOrthonormal) {
  for (const std::size_t dimensions : {1, 2, 3, 17, 100}) {
    const Quadratic quadratic = make_quadratic(dimensions, {}, 5);
    ASSERT_EQ(quadratic.dimensions(), dimensions);
    for (std::size_t i = 0; i < dimensions; ++i) {
      for (std::size_t j = 0; j <= i; ++j) {
        EXPECT_NEAR(product(quadratic, i, j), i == j ? 1 : 0, 1e-12) << i << ' ' << j;
      }
    }
  }
}

// A component of a uniform direction has mean 0 and mean square 1/100: within five
// standard errors over the 10,000 of them.
TEST(Quadratic, EigenvectorsPointNowhereInParticular) {
  const auto values = make_quadratic(100, {}, 5).eigenvectors;
  EXPECT_NEAR(std::accumulate(values.begin(), values.end(), 0.0) / 1e4, 0, 5e-3);
  const auto [least, most] = std::minmax_element(values.begin(), values.end());
  EXPECT_LT(*most, 0.6);
  EXPECT_GT(*least, -0.6);
}

TEST(Quadratic, DrawnEigenvaluesAreNineTenthsSmallAndOneTenthLarge) {
  const auto values = make_quadratic(100, {}, 0).eigenvalues;
  ASSERT_EQ(values.size(), 100U);
  EXPECT_THAT(std::vector(values.begin(), values.begin() + 90),
              Each(AllOf(Ge(0), Lt(1))));
  EXPECT_THAT(std::vector(values.begin() + 90, values.end()),
              Each(AllOf(Ge(30), Lt(60))));
  EXPECT_THAT(make_quadratic(9, {}, 0).eigenvalues, Each(Lt(1)));
}

TEST(Quadratic, KeepsTheEigenvaluesThatAreGiven) {
  const std::vector<double> given{3, 0, 0.5};
  EXPECT_EQ(make_quadratic(3, given, 1).eigenvalues, given);
  EXPECT_EQ(make_quadratic(3, given, 1).eigenvectors,
            make_quadratic(3, {}, 1).eigenvectors);
}

TEST(Quadratic, IsAFunctionOfItsSeed) {
  const Quadratic once = make_quadratic(20, {}, 1), again = make_quadratic(20, {}, 1),
                  other = make_quadratic(20, {}, 2);
  EXPECT_EQ(once.eigenvalues, again.eigenvalues);
  EXPECT_EQ(once.eigenvectors, again.eigenvectors);
  EXPECT_NE(once.eigenvalues, other.eigenvalues);
  EXPECT_NE(once.eigenvectors, other.eigenvectors);
}

}  // namespace batchlab::quadratic_test
