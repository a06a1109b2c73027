// SPDX-License-Identifier: MIT
#include "nn/softmax_cross_entropy.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "tests/nn/random_values.hpp"

namespace batchlab::softmax_cross_entropy_test {

struct Result {
  LossSum sum;
  std::vector<float> gradient;
};

Result loss_of(std::vector<float> logits, const std::vector<std::uint8_t>& labels) {
  MatrixView matrix = view(logits.data(), labels.size(), logits.size() / labels.size());
  const LossSum sum = softmax_cross_entropy(matrix, labels.data());
  return {sum, logits};
}

// Logits (0, ln 3): softmax (1/4, 3/4).
//   label 0: loss -ln(1/4) = 1.386294, gradient (1/4 - 1, 3/4)
//   label 1: loss -ln(3/4) = 0.287682, gradient (1/4, 3/4 - 1)
TEST(SoftmaxCrossEntropy, EqualsHandComputedNumbersOfTwoClasses) {
  const float ln3 = std::log(3.0F);
  const Result result = loss_of({0, ln3, 0, ln3}, {0, 1});
  EXPECT_NEAR(result.sum.loss, 1.386294 + 0.287682, 1e-6);
  EXPECT_EQ(result.sum.correct, 1);
  const float expected[] = {-0.75F, 0.75F, 0.25F, -0.25F};
  for (std::size_t i = 0; i < 4; ++i)
    EXPECT_NEAR(result.gradient[i], expected[i], 1e-6);
}

TEST(SoftmaxCrossEntropy, GradientMatchesFiniteDifferences) {
  RandomValues random(1);
  const std::size_t rows = 7, classes = 10;
  const auto logits = random.floats(rows * classes, -3, 3);
  std::vector<std::uint8_t> labels(rows);
  for (auto& label : labels) label = static_cast<std::uint8_t>(random.below(classes));
  const Result result = loss_of(logits, labels);
  std::vector<double> expected(logits.size());
  for (std::size_t i = 0; i < logits.size(); ++i) {
    auto above = logits, below = logits;
    above[i] += 0x1p-6F;
    below[i] -= 0x1p-6F;
    expected[i] =
        (loss_of(above, labels).sum.loss - loss_of(below, labels).sum.loss) / 0x1p-5;
  }
  EXPECT_LT(relative_difference(result.gradient, expected), 1e-3);
}

TEST(SoftmaxCrossEntropy, GradientOfARowSumsToZero) {
  RandomValues random(2);
  const auto gradient = loss_of(random.floats(13, -8, 8), {4}).gradient;
  double sum = 0;
  for (const float x : gradient) sum += double{x};
  EXPECT_NEAR(sum, 0, 1e-6);
}

TEST(SoftmaxCrossEntropy, StaysFiniteForLargeLogits) {
  EXPECT_EQ(loss_of({1000, 0, -1000}, {0}).sum.loss, 0);
  EXPECT_EQ(loss_of({1000, 0, -1000}, {2}).sum.loss, 2000);
  EXPECT_DOUBLE_EQ(loss_of({-1e30F, -1e30F}, {1}).sum.loss, std::log(2.0));
  const auto gradient = loss_of({1e30F, -1e30F}, {1}).gradient;
  EXPECT_EQ(gradient, (std::vector<float>{1, -1}));
}

TEST(SoftmaxCrossEntropy, DoesNotChangeWhenARowIsShifted) {
  const Result plain = loss_of({1, 2, 4}, {1}), shifted = loss_of({-7, -6, -4}, {1});
  EXPECT_EQ(plain.sum.loss, shifted.sum.loss);
  EXPECT_EQ(plain.gradient, shifted.gradient);
}

TEST(SoftmaxCrossEntropy, LossIsNotFiniteForAnyLogitThatIsNot) {
  const float infinity = std::numeric_limits<float>::infinity();
  for (const float bad : {infinity, -infinity, std::nanf("")}) {
    for (std::size_t position = 0; position < 30; ++position) {
      for (const std::uint8_t label : std::vector<std::uint8_t>{0, 1, 9}) {
        std::vector<float> logits(30, 0.5F);
        logits[position] = bad;
        const LossSum sum = loss_of(logits, {label, label, label}).sum;
        EXPECT_FALSE(std::isfinite(sum.loss)) << bad << " at " << position;
      }
    }
  }
}

TEST(SoftmaxCrossEntropy, CountsRowsWhoseLargestLogitIsTheLabels) {
  const std::vector<float> logits{3, 1, 2, /**/ 1, 3, 2, /**/ 1, 2, 3, /**/ 3, 1, 2};
  EXPECT_EQ(loss_of(logits, {0, 1, 2, 2}).sum.correct, 3);
  EXPECT_EQ(loss_of(logits, {1, 0, 0, 1}).sum.correct, 0);
}

TEST(SoftmaxCrossEntropy, FirstOfEqualLogitsCounts) {
  EXPECT_EQ(loss_of({1, 5, 5}, {1}).sum.correct, 1);
  EXPECT_EQ(loss_of({1, 5, 5}, {2}).sum.correct, 0);
}

}  // namespace batchlab::softmax_cross_entropy_test
