// SPDX-License-Identifier: MIT
#include "nn/gradient_statistics.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <functional>
#include <numeric>
#include <vector>

#include "tests/nn/random_values.hpp"

namespace batchlab {
namespace {

constexpr std::int64_t huge = 1'000'000'000'000'000'000;  // of which 1/N is nothing

// Gradients 1, 3, 4, 8 of B = 4 examples out of N = 10, one parameter: gbar = 4, q =
// 16, s = (1 + 9 + 16 + 64) / 4 = 22.5.
//   V = 4/3 (22.5 - 16) = 8.666667, the sample variance (9 + 1 + 0 + 16) / 3
//   G2 = 16 - 8.666667 (1/4 - 1/10) = 14.7
TEST(Estimate, PerExampleEqualsHandComputedNumbers) {
  const auto result = estimate({4, 4, 90, 16}, 10);
  EXPECT_NEAR(result.gradient_variance_trace.value(), 8.666667, 1e-6);
  EXPECT_NEAR(result.true_gradient_norm_squared.value(), 14.7, 1e-12);
}

// The same in two micro-batches of b = 2, means 2 and 6: s_b = (4 + 36) / 2 = 20.
//   V = (s_b - q) / (1/b - 1/B) = (20 - 16) / (1/2 - 1/4) = 16
//   G2 = (B q - b s_b) / (B - b) = (64 - 40) / 2 = 12, N infinite   (McCandlish 2018,
//   A.1)
TEST(Estimate, MicroBatchesEqualMcCandlish) {
  const auto result = estimate({4, 2, 2 * 4 + 2 * 36, 16}, huge);
  EXPECT_NEAR(result.gradient_variance_trace.value(), 16, 1e-12);
  EXPECT_NEAR(result.true_gradient_norm_squared.value(), 12, 1e-12);
}

// One example, mean 1, and three, mean (3 + 4 + 8) / 3 = 5: sum b_m gbar_m^2 = 1 + 75
// = 76.
//   V = (76 - 64) / 1 = 12,   G2 = 16 - 12 (1/4 - 1/10) = 14.2
TEST(Estimate, UnequalGroupsEqualHandComputedNumbers) {
  const auto result = estimate({4, 2, 76, 16}, 10);
  EXPECT_NEAR(result.gradient_variance_trace.value(), 12, 1e-12);
  EXPECT_NEAR(result.true_gradient_norm_squared.value(), 14.2, 1e-12);
}

TEST(Estimate, BatchOfTheWholeSetHasNoNoise) {
  EXPECT_EQ(estimate({10, 10, 90, 3.7}, 10).true_gradient_norm_squared, 3.7);
  EXPECT_EQ(estimate({10, 2, 90, 3.7}, 10).true_gradient_norm_squared, 3.7);
}

TEST(Estimate, TrueGradientNormMayBeNegative) {
  // Gradients 1 and -1: V = 2, G2 = 0 - 2/2 = -1.
  EXPECT_NEAR(estimate({2, 2, 2, 0}, huge).true_gradient_norm_squared.value(), -1,
              1e-12);
}

TEST(Estimate, FewerThanTwoGroupsGiveNothing) {
  for (const std::int64_t groups : {0, 1}) {
    const auto result = estimate({4, groups, 64, 16}, 10);
    EXPECT_FALSE(result.gradient_variance_trace.has_value());
    EXPECT_FALSE(result.true_gradient_norm_squared.has_value());
  }
}

// Horizon 100: the first step of 50 examples weighs 50 exp(-0.2) = 40.936538 once 20
// more are seen, the second 20.
//   V: 40.936538 6 + 20 9 = 425.619226,   G2: 40.936538 2 + 20 1 = 101.873075
TEST(NoiseScaleAverage, EqualsHandComputedRatio) {
  NoiseScaleAverage average(100);
  average.add(50, 6, 2);
  EXPECT_NEAR(average.noise_scale().value(), 3, 1e-12);
  average.add(20, 9, 1);
  EXPECT_NEAR(average.save().variance_sum, 425.619226, 1e-5);
  EXPECT_NEAR(average.save().norm_sum, 101.873075, 1e-5);
  EXPECT_NEAR(average.noise_scale().value(), 425.619226 / 101.873075, 1e-6);
}

TEST(NoiseScaleAverage, IsARatioOfAveragesNotAnAverageOfRatios) {
  NoiseScaleAverage average(1e12);
  average.add(1, 10, 1);
  average.add(1, 10, 9);
  EXPECT_NEAR(average.noise_scale().value(), 2, 1e-6);  // not (10 + 1.11) / 2
}

TEST(NoiseScaleAverage, IsAbsentUntilTheGradientIsResolved) {
  NoiseScaleAverage average(100);
  EXPECT_FALSE(average.noise_scale().has_value());
  average.add(10, 5, -1);
  EXPECT_FALSE(average.noise_scale().has_value());
  average.add(10, 5, 0.1);
  EXPECT_FALSE(average.noise_scale().has_value());
  average.add(10, 5, 3);
  EXPECT_TRUE(average.noise_scale().has_value());
}

TEST(NoiseScaleAverage, IsAbsentAfterANumberThatIsNone) {
  NoiseScaleAverage average(100);
  average.add(10, std::nan(""), std::nan(""));
  EXPECT_FALSE(average.noise_scale().has_value());
}

TEST(NoiseScaleAverage, IsNeverNegative) {
  NoiseScaleAverage average(100);
  average.add(10, -2, 3);
  EXPECT_EQ(average.noise_scale(), 0.0);
}

TEST(NoiseScaleAverage, ContinuesWhereItWasSaved) {
  NoiseScaleAverage average(100), restored(100);
  average.add(50, 6, 2);
  restored.load(average.save());
  average.add(20, 9, 1);
  restored.add(20, 9, 1);
  EXPECT_EQ(restored.noise_scale(), average.noise_scale());
}

// A noisy quadratic, loss 0.5 (theta - x)^T Q (theta - x) with Q diagonal: the gradient
// of example x is Q (theta - x), so G = Q (theta - mean x) and tr(Sigma) = sum_j (Q_j
// sd_j)^2.
constexpr std::size_t dimensions = 5;
using Vector = std::array<double, dimensions>;
constexpr Vector curvature{0.2, 0.5, 1, 2, 4};
constexpr Vector deviation{3, 2, 1.5, 0.5, 0.25};  // of x around 0
constexpr Vector theta{1, -0.5, 0.4, 0.3, -0.1};

double norm_squared(const Vector& v) {
  return std::inner_product(v.begin(), v.end(), v.begin(), 0.0);
}

Vector example_gradient(RandomValues& random) {
  Vector gradient;
  for (std::size_t j = 0; j < dimensions; ++j) {
    gradient[j] = curvature[j] * (theta[j] - deviation[j] * random.normal());
  }
  return gradient;
}

// The sums over `groups` of consecutive gradients.
GroupedGradients grouped(const std::vector<Vector>& gradients,
                         const std::vector<std::size_t>& groups) {
  const auto size = static_cast<double>(gradients.size());
  GroupedGradients sums{static_cast<std::int64_t>(gradients.size()),
                        static_cast<std::int64_t>(groups.size())};
  Vector total{};
  std::size_t next = 0;
  for (const std::size_t group : groups) {
    Vector sum{};
    for (std::size_t i = 0; i < group; ++i, ++next) {
      for (std::size_t j = 0; j < dimensions; ++j) sum[j] += gradients[next][j];
    }
    for (std::size_t j = 0; j < dimensions; ++j) total[j] += sum[j];
    sums.weighted_norms_squared += norm_squared(sum) / static_cast<double>(group);
  }
  sums.gradient_norm_squared = norm_squared(total) / (size * size);
  return sums;
}

class Samples {
 public:
  void add(double value) {
    ++count_;
    sum_ += value;
    squares_ += value * value;
  }
  // Within four standard errors of what is expected.
  void expect_mean(double expected) const {
    const double mean = sum_ / count_;
    const double error = std::sqrt((squares_ / count_ - mean * mean) / count_);
    EXPECT_NEAR(mean, expected, 4 * error);
    EXPECT_LT(error, 0.03 * expected) << "the test is too weak to tell";
  }

 private:
  double count_ = 0, sum_ = 0, squares_ = 0;
};

struct ClosedForm {
  double gradient_variance_trace, true_gradient_norm_squared;
};

// Estimates on 20,000 batches, each cut in three ways, against the closed form.
void expect_unbiased(const ClosedForm& known, std::int64_t training_set_size,
                     const std::function<std::vector<Vector>()>& draw_batch) {
  const std::vector<std::size_t> cuts[] = {
      std::vector<std::size_t>(16, 1), {4, 4, 4, 4}, {1, 10, 5}};
  for (const auto& groups : cuts) {
    SCOPED_TRACE(groups.size());
    Samples variance, norm;
    NoiseScaleAverage average(20'000 * 16);
    for (int step = 0; step < 20'000; ++step) {
      const auto result = estimate(grouped(draw_batch(), groups), training_set_size);
      variance.add(*result.gradient_variance_trace);
      norm.add(*result.true_gradient_norm_squared);
      average.add(16, *result.gradient_variance_trace,
                  *result.true_gradient_norm_squared);
    }
    variance.expect_mean(known.gradient_variance_trace);
    norm.expect_mean(known.true_gradient_norm_squared);
    const double noise_scale =
        known.gradient_variance_trace / known.true_gradient_norm_squared;
    EXPECT_NEAR(average.noise_scale().value(), noise_scale, 0.1 * noise_scale);
  }
}

// tr(Sigma) = 0.36 + 1 + 2.25 + 1 + 1 = 5.61,
// |G|^2 = 0.04 + 0.0625 + 0.16 + 0.36 + 0.16 = 0.7825
TEST(EstimateOnNoisyQuadratic, IsUnbiasedForInfinitelyManyExamples) {
  RandomValues random(1);
  expect_unbiased({5.61, 0.7825}, huge, [&] {
    std::vector<Vector> gradients(16);
    for (Vector& gradient : gradients) gradient = example_gradient(random);
    return gradients;
  });
}

// 40 examples, 16 drawn without replacement; their covariance with N - 1. Were 1/N left
// out, G2 would be low by V/40, about 0.14 of 0.8.
TEST(EstimateOnNoisyQuadratic, IsUnbiasedForFewExamplesWithoutReplacement) {
  RandomValues random(2);
  std::vector<Vector> population(40);
  for (Vector& gradient : population) gradient = example_gradient(random);
  Vector mean{};
  for (const Vector& g : population) {
    for (std::size_t j = 0; j < dimensions; ++j) mean[j] += g[j] / 40;
  }
  double squares = 0;
  for (const Vector& g : population) squares += norm_squared(g);
  const double q = norm_squared(mean);
  expect_unbiased({(squares - 40 * q) / 39, q}, 40, [&] {
    for (std::size_t i = 0; i < 16; ++i) {
      std::swap(population[i], population[i + random.below(40 - i)]);
    }
    return std::vector(population.begin(), population.begin() + 16);
  });
}

}  // namespace
}  // namespace batchlab
