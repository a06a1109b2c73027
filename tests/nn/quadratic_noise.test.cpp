// SPDX-License-Identifier: MIT
//
// The closed form against a number by hand, naive loops, and the training step.
#include "nn/quadratic_noise.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "tests/nn/trainer.hpp"

namespace batchlab::quadratic_noise_test {

std::vector<std::uint32_t> first_examples(std::size_t count) {
  std::vector<std::uint32_t> examples(count);
  std::iota(examples.begin(), examples.end(), 0U);
  return examples;
}

// Q = diag(1, 4), examples (0, 0) and (2, 4), theta (3, 3). Variances 2 and 8, theta
// less the mean (2, 1):
//   tr Sigma    1 x 2 + 16 x 8 = 130     |G|^2    1 x 4 + 16 x 1 = 20
//   tr Q Sigma  1 x 2 + 64 x 8 = 514     G Q G^T  1 x 4 + 64 x 1 = 68
//   least loss  of both, at (1, 2): (1 x 1 + 4 x 4) / 2 = 8.5
TEST(QuadraticNoise, EqualsHandComputedNumbers) {
  const Quadratic quadratic{{1, 4}, {1, 0, 0, 1}};
  Dataset data;
  data.inputs = {{0, 0}, {2, 4}};
  const float position[] = {3, 3};
  const auto noise = quadratic_noise(quadratic, data, first_examples(2), 1, position);
  EXPECT_DOUBLE_EQ(noise.gradient_variance_trace, 130);
  EXPECT_DOUBLE_EQ(noise.true_gradient_norm_squared, 20);
  EXPECT_DOUBLE_EQ(noise.noise_scale(), 6.5);
  EXPECT_DOUBLE_EQ(noise.curvature_variance_trace, 514);
  EXPECT_DOUBLE_EQ(noise.curvature_gradient_norm_squared, 68);
  EXPECT_DOUBLE_EQ(noise.curvature_noise_scale(), 514.0 / 68);
  EXPECT_DOUBLE_EQ(noise.least_loss, 8.5);
}

using Vector = std::vector<double>;

// A quadratic layer over random data, with Q as a matrix for naive loops.
class NoisyQuadraticProblem : public testing::Test {
 protected:
  static constexpr std::size_t dimensions = 6, examples = 700;  // two rounds

  Vector times_q(const Vector& vector) const {
    Vector result(dimensions);
    for (std::size_t k = 0; k < dimensions; ++k) {
      const auto direction = quadratic_.eigenvector(k);
      const double along =
          std::inner_product(vector.begin(), vector.end(), direction.begin(), 0.0);
      for (std::size_t j = 0; j < dimensions; ++j) {
        result[j] += quadratic_.eigenvalues[k] * along * direction[j];
      }
    }
    return result;
  }

  // theta - x_i
  Vector difference(std::size_t example) const {
    Vector result(dimensions);
    for (std::size_t j = 0; j < dimensions; ++j) {
      result[j] = double{trainer_.parameters(j)} -
                  double{input_scale} * data_.inputs(example, j);
    }
    return result;
  }

  static double dot(const Vector& a, const Vector& b) {
    return std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
  }

  double mean_loss() const {
    double loss = 0;
    for (std::size_t i = 0; i < examples; ++i) {
      loss += dot(difference(i), times_q(difference(i))) / 2 / examples;
    }
    return loss;
  }

  QuadraticNoise closed_form() const {
    return quadratic_noise(quadratic_, data_, all_.examples, input_scale,
                           {trainer_.parameters.data(), dimensions});
  }

  void move_away() {
    RandomValues random(3);
    for (float& p : trainer_.parameters) p = static_cast<float>(2 * random.normal());
  }

  const Vector eigenvalues_{0.1, 0.5, 1, 2, 5, 20};
  const Quadratic quadratic_ = make_quadratic(dimensions, eigenvalues_, 4);
  const std::vector<LayerOptions> layers_{
      {.type = "quadratic", .eigenvalues = eigenvalues_, .seed = 4}};
  const Dataset data_ = random_dataset(examples, dimensions, 1, 1);
  const Batch all_{first_examples(examples), 0, examples};
  Trainer trainer_{data_, layers_, {.threads = 2}};
};

TEST_F(NoisyQuadraticProblem, ClosedFormEqualsNaiveLoopsOverExamples) {
  move_away();
  std::vector<Vector> gradients;
  Vector mean(dimensions);
  for (std::size_t i = 0; i < examples; ++i) {
    gradients.push_back(times_q(difference(i)));
    for (std::size_t j = 0; j < dimensions; ++j) {
      mean[j] += gradients[i][j] / examples;
    }
  }
  double trace = 0, curvature_trace = 0;
  for (Vector gradient : gradients) {
    for (std::size_t j = 0; j < dimensions; ++j) gradient[j] -= mean[j];
    trace += dot(gradient, gradient) / (examples - 1);
    curvature_trace += dot(gradient, times_q(gradient)) / (examples - 1);
  }
  const QuadraticNoise noise = closed_form();
  const auto expect_near = [](double value, double expected) {
    EXPECT_NEAR(value, expected, 1e-6 * expected);
  };
  expect_near(noise.gradient_variance_trace, trace);
  expect_near(noise.curvature_variance_trace, curvature_trace);
  expect_near(noise.true_gradient_norm_squared, dot(mean, mean));
  expect_near(noise.curvature_gradient_norm_squared, dot(mean, times_q(mean)));
}

TEST_F(NoisyQuadraticProblem, LossAndGradientOfAStepAreThoseOfTheFormula) {
  move_away();
  const double loss = trainer_.step.forward_backward(all_).loss;
  EXPECT_NEAR(loss / examples, mean_loss(), 1e-6 * mean_loss());
  const Array gradient = trainer_.step.gradient();
  Vector differences;
  for (float& p : trainer_.parameters) {
    const float centre = p, step = 0x1p-4F;  // exact for a quadratic
    p = centre + step;
    const double above = mean_loss();
    p = centre - step;
    differences.push_back((above - mean_loss()) / (2 * double{step}));
    p = centre;
  }
  EXPECT_LT(relative_difference(gradient, differences), 1e-5);
}

// The sum of the examples' |g_i|^2: of the mean's square and of the deviations'.
TEST_F(NoisyQuadraticProblem, ExampleNormsAreThoseOfTheFormula) {
  move_away();
  trainer_.step.forward_backward(all_, {.examples = true});
  double expected = 0;
  for (std::size_t i = 0; i < examples; ++i) {
    const Vector gradient = times_q(difference(i));
    expected += dot(gradient, gradient);
  }
  EXPECT_NEAR(trainer_.step.update(0).examples.weighted_norms_squared, expected,
              1e-5 * expected);
}

// V is a difference of sums of V + |G|^2: so is its rounding error a share of that.
TEST_F(NoisyQuadraticProblem, AStepOverAllExamplesMeasuresTheClosedForm) {
  move_away();
  const QuadraticNoise noise = closed_form();
  trainer_.step.forward_backward(all_, {.examples = true});
  const auto measured = estimate(trainer_.step.update(0).examples, examples);
  const double rounding =
      1e-6 * (noise.gradient_variance_trace + noise.true_gradient_norm_squared);
  EXPECT_NEAR(*measured.gradient_variance_trace, noise.gradient_variance_trace,
              rounding);
  EXPECT_NEAR(*measured.true_gradient_norm_squared, noise.true_gradient_norm_squared,
              rounding);
}

// <g_i, G> and what is orthogonal to it, by naive loops.
TEST_F(NoisyQuadraticProblem, InnerProductsAreThoseOfTheFormula) {
  move_away();
  const Batch batch{first_examples(40), 0, 40};  // of one round: all are measured
  Vector mean(dimensions);
  for (std::size_t i = 0; i < 40; ++i) {
    const Vector gradient = times_q(difference(i));
    for (std::size_t j = 0; j < dimensions; ++j) mean[j] += gradient[j] / 40;
  }
  double deviations = 0;
  for (std::size_t i = 0; i < 40; ++i) {
    const double deviation = dot(times_q(difference(i)), mean) - dot(mean, mean);
    deviations += deviation * deviation;
  }
  trainer_.step.forward_backward(batch, {.examples = true, .inner_products = true});
  const InnerProducts measured = trainer_.step.update(0).inner_products;
  EXPECT_EQ(measured.examples, 40);
  EXPECT_NEAR(measured.deviations_squared, deviations, 1e-4 * deviations);
}

// Over the batches of 20 of many epochs, for both estimators.
TEST_F(NoisyQuadraticProblem, SmallBatchesMeasureTheClosedFormOnAverage) {
  const QuadraticNoise noise = closed_form();
  RandomValues random(5);
  for (const bool lanes : {false, true}) {
    constexpr int batches = 4000;
    double variance = 0, norm = 0, norms_squared = 0;
    for (int i = 0; i < batches; ++i) {
      const Batch batch = random_batch(20, examples, random);
      trainer_.step.forward_backward(batch, {.examples = !lanes, .lanes = lanes});
      const auto update = trainer_.step.update(0);
      const auto measured = estimate(lanes ? update.lanes : update.examples, examples);
      variance += *measured.gradient_variance_trace / batches;
      const double one = *measured.true_gradient_norm_squared;
      norm += one / batches;
      norms_squared += one * one / batches;
    }
    const double error = std::sqrt((norms_squared - norm * norm) / batches);
    EXPECT_NEAR(norm, noise.true_gradient_norm_squared, 4 * error);
    EXPECT_LT(error, 0.03 * norm) << "the test is too weak to tell";
    EXPECT_NEAR(variance, noise.gradient_variance_trace, 0.1 * variance);
  }
}

TEST_F(NoisyQuadraticProblem, GradientDescentEndsAtTheMeanWithTheLeastLoss) {
  move_away();
  for (int i = 0; i < 1500; ++i) {
    trainer_.step.forward_backward(all_);
    trainer_.step.update(0.09);
  }
  for (std::size_t j = 0; j < dimensions; ++j) {
    double mean = 0;
    for (std::size_t i = 0; i < examples; ++i) {
      mean += double{input_scale} * data_.inputs(i, j) / examples;
    }
    EXPECT_NEAR(trainer_.parameters(j), mean, 1e-4);
  }
  const double least = closed_form().least_loss;
  EXPECT_NEAR(trainer_.step.evaluate(data_, all_.examples).loss, least, 1e-5 * least);
}

TEST_F(NoisyQuadraticProblem, HasNoAccuracy) {
  EXPECT_TRUE(std::isnan(trainer_.step.evaluate(data_, all_.examples).accuracy));
}

}  // namespace batchlab::quadratic_noise_test
