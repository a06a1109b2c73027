// SPDX-License-Identifier: MIT
//
// Along eigenvector k, with eigenvalue h_k, let the examples have mean m_k and variance
// c_k (divisor N - 1). Then a gradient is h_k (theta_k - x_k), and
//
//     tr Sigma = sum h_k^2 c_k      |G|^2   = sum h_k^2 (theta_k - m_k)^2
//     tr Q Sigma = sum h_k^3 c_k    G Q G^T = sum h_k^3 (theta_k - m_k)^2
//     least loss = (1 - 1/N) sum h_k c_k / 2
#include "nn/quadratic_noise.hpp"

#include <cassert>
#include <vector>

namespace batchlab {

namespace {

// Of theta - x_i, along a direction.
struct Moments {
  double mean = 0, variance = 0;
};

Moments moments_along(std::span<const double> direction, const Dataset& data,
                      std::span<const std::uint32_t> examples, float input_scale,
                      std::span<const float> position) {
  std::vector<double> differences;
  double sum = 0;
  for (const std::uint32_t example : examples) {
    double along = 0;
    for (std::size_t j = 0; j < direction.size(); ++j) {
      const float input = input_scale * static_cast<float>(data.inputs(example, j));
      along += direction[j] * (double{position[j]} - double{input});
    }
    differences.push_back(along);
    sum += along;
  }
  const auto count = static_cast<double>(examples.size());
  Moments moments{sum / count, 0};
  for (const double along : differences) {
    moments.variance += (along - moments.mean) * (along - moments.mean) / (count - 1);
  }
  return moments;
}

}  // namespace

QuadraticNoise quadratic_noise(const Quadratic& quadratic, const Dataset& data,
                               std::span<const std::uint32_t> examples,
                               float input_scale, std::span<const float> position) {
  assert(examples.size() > 1 && position.size() == quadratic.dimensions());
  QuadraticNoise noise;
  for (std::size_t k = 0; k < quadratic.dimensions(); ++k) {
    const auto [mean, variance] =
        moments_along(quadratic.eigenvector(k), data, examples, input_scale, position);
    const double h = quadratic.eigenvalues[k];
    noise.gradient_variance_trace += h * h * variance;
    noise.curvature_variance_trace += h * h * h * variance;
    noise.true_gradient_norm_squared += h * h * mean * mean;
    noise.curvature_gradient_norm_squared += h * h * h * mean * mean;
    noise.least_loss += h * variance / 2;
  }
  noise.least_loss *= 1 - 1 / static_cast<double>(examples.size());
  return noise;
}

}  // namespace batchlab
