// SPDX-License-Identifier: MIT
#include "nn/dropout.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>

#include "tests/nn/random_values.hpp"

namespace batchlab::dropout_test {

constexpr std::size_t width = 101;
constexpr double rate = 0.3;

using Row = std::vector<float>;

// What becomes of rows of ones [first_row, first_row + rows) of `batch`.
std::vector<Row> masks(const Batch& batch, std::size_t first_row, std::size_t rows,
                       std::uint32_t seed = 1, std::uint32_t number = 2) {
  const auto layer = make_dropout_layer(width, rate, number);
  const std::vector<float> ones(rows * width, 1.0F);
  std::vector<float> output(rows * width), scratch(rows * layer->scratch_per_row());
  MatrixView result = view(output.data(), rows, width);
  layer->forward({first_row, rows, &batch, seed}, nullptr, nullptr,
                 view(ones.data(), rows, width), result, scratch.data());
  std::vector<Row> masks;
  for (std::size_t i = 0; i < rows; ++i) {
    masks.emplace_back(output.data() + i * width, output.data() + (i + 1) * width);
  }
  return masks;
}

Row mask_of(std::uint32_t example, std::uint32_t epoch, std::uint32_t seed = 1,
            std::uint32_t number = 2) {
  return masks({{example}, epoch, 1}, 0, 1, seed, number)[0];
}

// Standard error of the share: sqrt(0.3 0.7 / 40,400) = 0.0023.
TEST(Dropout, ZeroesTheShareAskedForAndScalesTheRest) {
  Batch batch;
  batch.examples.resize(400);
  std::iota(batch.examples.begin(), batch.examples.end(), 0);
  batch.rows_in_epoch = 400;
  double zeros = 0;
  for (const Row& mask : masks(batch, 0, 400)) {
    for (const float x : mask) {
      zeros += x == 0;
      ASSERT_FLOAT_EQ(x, x == 0 ? 0.0F : static_cast<float>(1 / (1 - rate)));
    }
  }
  EXPECT_NEAR(zeros / (400 * width), rate, 4 * 0.0023);
}

TEST(Dropout, DropsEveryColumnNowAndThen) {
  Row kept(width, 0.0F);
  for (std::uint32_t example = 0; example < 200; ++example) {
    const Row mask = mask_of(example, 0);
    for (std::size_t j = 0; j < width; ++j) kept[j] += mask[j] != 0 ? 1.0F : 0.0F;
  }
  // 140 of 200 expected, standard deviation 6.5.
  EXPECT_GT(*std::min_element(kept.begin(), kept.end()), 140 - 5 * 6.5);
  EXPECT_LT(*std::max_element(kept.begin(), kept.end()), 140 + 5 * 6.5);
}

TEST(Dropout, NoTwoColumnsShareTheirPattern) {
  std::set<Row> patterns;
  for (std::size_t j = 0; j < width; ++j) {
    Row pattern;
    for (std::uint32_t example = 0; example < 100; ++example) {
      pattern.push_back(mask_of(example, 0)[j]);
    }
    patterns.insert(pattern);
  }
  EXPECT_EQ(patterns.size(), width);
}

TEST(Dropout, PassesEverythingInEvaluation) {
  const auto layer = make_dropout_layer(width, rate, 2);
  const auto input = RandomValues(1).floats(3 * width);
  std::vector<float> output(3 * width);
  MatrixView result = view(output.data(), 3, width);
  layer->forward({.rows = 3}, nullptr, nullptr, view(input.data(), 3, width), result,
                 nullptr);
  EXPECT_EQ(output, input);
}

TEST(Dropout, MaskDoesNotDependOnThePlaceInBatchOrTile) {
  const Batch batch{{5, 9, 2, 7, 11}, 3, 5};
  const auto whole = masks(batch, 0, 5);
  const auto tile = masks(batch, 2, 3);
  for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(tile[i], whole[2 + i]);
  const auto reversed = masks({{11, 7, 2, 9, 5}, 3, 5}, 0, 5);
  for (std::size_t i = 0; i < 5; ++i) {
    EXPECT_EQ(reversed[4 - i], whole[i]);
    EXPECT_EQ(mask_of(batch.examples[i], 3), whole[i]);
  }
}

TEST(Dropout, MaskDiffersByExampleEpochSeedAndLayer) {
  const Row mask = mask_of(5, 3);
  EXPECT_NE(mask_of(6, 3), mask);
  EXPECT_NE(mask_of(5, 4), mask);
  EXPECT_NE(mask_of(5, 3, 2, 2), mask);
  EXPECT_NE(mask_of(5, 3, 1, 3), mask);
}

// The second row of example 5 belongs to the next epoch.
TEST(Dropout, RowsCarriedFromTheNextEpochHaveItsMasks) {
  const auto carried = masks({{5, 9, 5}, 3, 2}, 0, 3);
  EXPECT_EQ(carried[0], mask_of(5, 3));
  EXPECT_EQ(carried[2], mask_of(5, 4));
}

TEST(Dropout, RateZeroPassesEverything) {
  const auto layer = make_dropout_layer(width, 0, 0);
  const Batch batch{{1}, 0, 1};
  const auto input = RandomValues(1).floats(width);
  std::vector<float> output(width), scratch(width);
  MatrixView result = view(output.data(), 1, width);
  layer->forward({0, 1, &batch, 1}, nullptr, nullptr, view(input.data(), 1, width),
                 result, scratch.data());
  EXPECT_EQ(output, input);
}

}  // namespace batchlab::dropout_test
