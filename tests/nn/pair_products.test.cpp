// SPDX-License-Identifier: MIT
#include "nn/pair_products.hpp"

#include <gtest/gtest.h>

#include <numeric>
#include <vector>

#include "tests/nn/random_values.hpp"

namespace batchlab::pair_products_test {

ConstMatrixView view_of(const std::vector<float>& values, std::size_t columns) {
  return view(values.data(), values.size() / columns, columns);
}

std::vector<double> all_shares(const ConstMatrixView& input,
                               const ConstMatrixView& delta) {
  std::vector<double> sums(rows(input));
  for (std::size_t share = 0; share < pair_shares; ++share) {
    add_pair_products(input, delta, share, sums.data());
  }
  return sums;
}

// a = (1, 2), (3, 0), (-1, 1), delta = 2, 1, -1. <a_i, a_j> + 1: 6, 4, 2; 10, -2; 3.
// <g_i, g_j>: 24, 8, -4; 10, 2; 3. Sums: 24 + 8 - 4, 8 + 10 + 2, -4 + 2 + 3.
TEST(PairProducts, AreThoseByHand) {
  const std::vector<float> input{1, 2, 3, 0, -1, 1}, delta{2, 1, -1};
  EXPECT_EQ(all_shares(view_of(input, 2), view_of(delta, 1)),
            (std::vector<double>{28, 20, 1}));
}

double dot(const float* left, const float* right, std::size_t size) {
  return std::inner_product(left, left + size, right, 0.0);
}

TEST(PairProducts, EqualNaiveOnesWhateverTheShape) {
  RandomValues random(1);
  for (const std::size_t count : {1, 2, 3, 4, 5, 8, 30, 67, 129}) {
    for (const std::size_t inputs : {1, 5, 16, 39}) {
      const std::size_t units = 1 + random.below(40);
      const auto input = random.floats(count * inputs);
      const auto delta = random.floats(count * units);
      const auto sums = all_shares(view_of(input, inputs), view_of(delta, units));
      std::vector<double> naive(count);
      for (std::size_t i = 0; i < count; ++i) {
        for (std::size_t j = 0; j < count; ++j) {
          naive[i] += (dot(&input[i * inputs], &input[j * inputs], inputs) + 1) *
                      dot(&delta[i * units], &delta[j * units], units);
        }
      }
      EXPECT_LT(relative_difference(sums, naive), 1e-5) << count << ' ' << inputs;
    }
  }
}

// Of rows of ones each pair gives (3 + 1) 2 = 8: a share's pairs are what it adds.
TEST(PairProducts, ComeInSharesOfNearlyEqualWork) {
  constexpr std::size_t count = 128;
  const std::vector<float> input(count * 3, 1), delta(count * 2, 1);
  for (std::size_t share = 0; share < pair_shares; ++share) {
    std::vector<double> sums(count);
    add_pair_products(view_of(input, 3), view_of(delta, 2), share, sums.data());
    const double pairs = std::accumulate(sums.begin(), sums.end(), 0.0) / 8;
    EXPECT_EQ(pairs, count * count / pair_shares);
  }
}

TEST(PairProducts, AreForFewRowsOfWideLayers) {
  EXPECT_TRUE(pairs_are_cheaper(128, 784, 128));
  EXPECT_FALSE(pairs_are_cheaper(512, 784, 128));
  EXPECT_FALSE(pairs_are_cheaper(128, 128, 10));
  EXPECT_TRUE(pairs_are_cheaper(512, 1024, 1024));
}

}  // namespace batchlab::pair_products_test
