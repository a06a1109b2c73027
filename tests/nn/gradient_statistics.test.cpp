// SPDX-License-Identifier: MIT
#include "nn/gradient_statistics.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <functional>
#include <numeric>
#include <vector>

#include "tests/nn/random_values.hpp"

namespace batchlab::gradient_statistics_test {

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

// The first example again, without the correction: G2 = 16 - 8.666667 / 4 = 13.833333
TEST(Estimate, OfDrawsWithReplacementHasNoCorrection) {
  const auto result = estimate({4, 4, 90, 16}, std::nullopt);
  EXPECT_NEAR(result.gradient_variance_trace.value(), 8.666667, 1e-6);
  EXPECT_NEAR(result.true_gradient_norm_squared.value(), 13.833333, 1e-6);
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

// Gradients of two batches, one parameter: 2 over 1 example, 5 over 3. Together (2 +
// 15) / 4 = 4.25, squared 18.0625; sum b gbar^2 = 4 + 75 = 79; |d|^2 = 9.
//   79 / 4 - 1 * 3 * 9 / 16 = 19.75 - 1.6875 = 18.0625
TEST(Pair, EqualsHandComputedNumbers) {
  const GroupedGradients both = pair({1, 4}, {3, 25}, 9);
  EXPECT_EQ(both.batch_size, 4);
  EXPECT_EQ(both.groups, 2);
  EXPECT_NEAR(both.weighted_norms_squared, 79, 1e-12);
  EXPECT_NEAR(both.gradient_norm_squared, 18.0625, 1e-12);
}

TEST(Pair, IsNothingWithoutAFirstStep) { EXPECT_EQ(pair({}, {3, 25}, 0).groups, 0); }

// (1, 0) and (1, 1): sum (2, 1), squared norms 1, 2, 5: inner product (5 - 1 - 2) / 2 =
// 1, cosine 1 / sqrt(2).
TEST(Cosine, EqualsHandComputedNumber) {
  EXPECT_NEAR(cosine(1, 2, 5).value(), 0.70710678, 1e-8);
  EXPECT_NEAR(cosine(1, 1, 0).value(), -1, 1e-12);
}

TEST(Cosine, IsAbsentWithoutAGradient) {
  EXPECT_FALSE(cosine(0, 2, 2).has_value());
  EXPECT_FALSE(cosine(std::nan(""), 2, 2).has_value());
}

// g = (1, 1), (3, -1), (2, 0): gbar = (2, 0), q = 4, <g, gbar> = 2, 6, 4.
//   (4 + 4 + 0) / 2 = 4 = [4 + 36 + 16 - 3 * 16] / 2
//   orthogonal parts (0, 1), (0, -1), (0, 0): (1 + 1) / 2 = 1
TEST(DirectionalVariances, EqualHandComputedNumbers) {
  const DirectionalVariances all = estimate(InnerProducts{3, 8, 2}, 3);
  EXPECT_NEAR(all.inner_product_variance.value(), 4, 1e-12);
  EXPECT_NEAR(all.orthogonal_variance.value(), 1, 1e-12);
  // The last two examples alone, still of a batch of 3: 3/2 (4 + 0) / 2.
  EXPECT_NEAR(estimate(InnerProducts{2, 4, 1}, 3).inner_product_variance.value(), 3,
              1e-12);
}

TEST(DirectionalVariances, AreAbsentAtOneExampleAndWhereNotMeasured) {
  EXPECT_FALSE(estimate(InnerProducts{1, 0, 0}, 1).inner_product_variance.has_value());
  EXPECT_FALSE(estimate(InnerProducts{}, 8).orthogonal_variance.has_value());
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

// Four steps of equal weight: V 9, 11, 10, 10 and G2 1, 1, 2, 0, so sum V = 40, sum G2
// = 4, sum V^2 = 402, sum G2^2 = 6, sum V G2 = 40. t with 3 degrees of freedom is
// 3.158993 as expanded (exactly 3.182), u^2 = 4 t^2 / (3 + t^2) = 3.075447.
//   a = 16 - 6 u^2 = -2.452682,  b = 160 - 40 u^2 = 36.98212,
//   c = 1600 - 402 u^2 = 363.6703,  root of b^2 - a c: 47.53572
//   low = c / (b + root) = 4.302882; a < 0: G2 is not resolved from zero
TEST(NoiseScaleInterval, HasNoUpperEndWhereTheGradientIsNotResolved) {
  NoiseScaleAverage average(1e15);
  const double steps[][2] = {{9, 1}, {11, 1}, {10, 2}, {10, 0}};
  for (int i = 0; i < 3; ++i) average.add(1, steps[i][0], steps[i][1]);
  EXPECT_FALSE(average.interval().has_value());
  average.add(1, steps[3][0], steps[3][1]);
  ASSERT_TRUE(average.interval().has_value());
  EXPECT_NEAR(average.interval()->low, 4.302882, 1e-4);
  EXPECT_TRUE(std::isinf(average.interval()->high));
}

// The same four steps a hundred times: sums 4000, 400, squares 40200, 600, 4000; t with
// 399 degrees of freedom 1.965927, u^2 = 400 t^2 / (399 + t^2) = 3.837385.
TEST(NoiseScaleInterval, EqualsHandComputedNumbers) {
  NoiseScaleAverage average(1e15);
  const double steps[][2] = {{9, 1}, {11, 1}, {10, 2}, {10, 0}};
  for (int i = 0; i < 400; ++i) average.add(1, steps[i % 4][0], steps[i % 4][1]);
  const double a = 157697.569, b = 1584650.46, c = 15845737.12;
  const double root = std::sqrt(b * b - a * c);
  EXPECT_NEAR(average.interval()->low, (b - root) / a, 1e-3);
  EXPECT_NEAR(average.interval()->high, (b + root) / a, 1e-3);
}

TEST(NoiseScaleInterval, IsAbsentWhereTheGradientIsResolvedAsNegative) {
  NoiseScaleAverage average(1e15);
  for (int i = 0; i < 100; ++i) average.add(1, 10, -1 - 0.01 * (i % 7));
  EXPECT_FALSE(average.interval().has_value());
}

// V ~ 10 + normal, G2 ~ 1 + 2 normal, correlated: S = 10. A gradient that is not
// resolved makes the interval longer, not wrong.
TEST(NoiseScaleInterval, CoversTheTruthInNineteenOfTwentyCases) {
  RandomValues random(3);
  for (const int steps : {10, 50, 400}) {
    constexpr int cases = 4000;
    int covered = 0, open = 0;
    for (int i = 0; i < cases; ++i) {
      NoiseScaleAverage average(steps * 8.0);
      for (int step = 0; step < 4 * steps; ++step) {
        const double first = random.normal(), second = random.normal();
        average.add(4 + step % 9, 10 + 2 * first + second, 1 + 2 * second);
      }
      const auto interval = average.interval().value();
      covered += interval.low <= 10 && 10 <= interval.high;
      open += std::isinf(interval.high);
    }
    EXPECT_GT(covered, 0.935 * cases) << steps;
    EXPECT_LT(covered, 0.965 * cases) << steps;
    EXPECT_EQ(open > 0, steps < 400) << "of both kinds";
  }
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

}  // namespace batchlab::gradient_statistics_test
