// SPDX-License-Identifier: MIT
#include "nn/gradient_statistics.hpp"

#include <algorithm>
#include <cmath>

namespace batchlab {

GradientEstimate estimate(const GroupedGradients& gradients,
                          std::int64_t training_set_size) {
  if (gradients.groups < 2) return {};
  const auto batch_size = static_cast<double>(gradients.batch_size);
  const double q = gradients.gradient_norm_squared;
  const double variance = (gradients.weighted_norms_squared - batch_size * q) /
                          static_cast<double>(gradients.groups - 1);
  const double noise = 1 / batch_size - 1 / static_cast<double>(training_set_size);
  return {variance, q - variance * noise};
}

void NoiseScaleAverage::add(std::int64_t batch_size, double gradient_variance_trace,
                            double true_gradient_norm_squared) {
  const auto weight = static_cast<double>(batch_size);
  const double kept = std::exp(-weight / horizon_);
  sums_.variance_sum = kept * sums_.variance_sum + weight * gradient_variance_trace;
  sums_.norm_sum = kept * sums_.norm_sum + weight * true_gradient_norm_squared;
}

std::optional<double> NoiseScaleAverage::noise_scale() const {
  if (!(sums_.norm_sum > 0)) return std::nullopt;
  return std::max(0.0, sums_.variance_sum / sums_.norm_sum);
}

}  // namespace batchlab
