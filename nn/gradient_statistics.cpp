// SPDX-License-Identifier: MIT
#include "nn/gradient_statistics.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace batchlab {

GradientEstimate estimate(const GroupedGradients& gradients,
                          std::optional<std::int64_t> training_set_size) {
  if (gradients.groups < 2) return {};
  const auto batch_size = static_cast<double>(gradients.batch_size);
  const double q = gradients.gradient_norm_squared;
  const double variance = (gradients.weighted_norms_squared - batch_size * q) /
                          static_cast<double>(gradients.groups - 1);
  const double correction =
      training_set_size ? 1 / static_cast<double>(*training_set_size) : 0;
  const double noise = 1 / batch_size - correction;
  return {variance, q - variance * noise};
}

GroupedGradients pair(const BatchGradient& first, const BatchGradient& second,
                      double distance_squared) {
  if (first.batch_size == 0 || second.batch_size == 0) return {};
  const auto n = static_cast<double>(first.batch_size);
  const auto m = static_cast<double>(second.batch_size);
  const double norms_squared =
      n * first.gradient_norm_squared + m * second.gradient_norm_squared;
  const double both = n + m;
  return {first.batch_size + second.batch_size, 2, norms_squared,
          norms_squared / both - n * m * distance_squared / (both * both)};
}

std::optional<double> cosine(double first_norm_squared, double second_norm_squared,
                             double sum_norm_squared) {
  const double inner_product =
      (sum_norm_squared - first_norm_squared - second_norm_squared) / 2;
  const double norms = std::sqrt(first_norm_squared * second_norm_squared);
  if (!(norms > 0)) return std::nullopt;
  return std::clamp(inner_product / norms, -1.0, 1.0);
}

DirectionalVariances estimate(const InnerProducts& sums, std::int64_t batch_size) {
  if (sums.examples == 0 || batch_size < 2) return {};
  const auto size = static_cast<double>(batch_size);
  const double factor = size / (size - 1) / static_cast<double>(sums.examples);
  return {factor * sums.deviations_squared, factor * sums.orthogonal_squared};
}

void NoiseScaleAverage::add(std::int64_t batch_size, double gradient_variance_trace,
                            double true_gradient_norm_squared) {
  const auto weight = static_cast<double>(batch_size);
  const double kept = std::exp(-weight / horizon_);
  const double variance = weight * gradient_variance_trace;
  const double norm = weight * true_gradient_norm_squared;
  const auto decay = [kept](double& sum, double term) { sum = kept * sum + term; };
  const auto decay_squares = [kept](double& sum, double term) {
    sum = kept * kept * sum + term;
  };
  decay(sums_.variance_sum, variance);
  decay(sums_.norm_sum, norm);
  decay(sums_.weights, weight);
  decay_squares(sums_.variance_squares, variance * variance);
  decay_squares(sums_.norm_squares, norm * norm);
  decay_squares(sums_.products, variance * norm);
  decay_squares(sums_.weight_squares, weight * weight);
}

namespace {

// Of Student's t, 95 % two-sided: Cornish-Fisher expansion, within 1 % from 3 degrees
// of freedom on.
double student_quantile(double degrees_of_freedom) {
  const double inverse = 1 / degrees_of_freedom;
  return 1.959964 + inverse * (2.372271 + inverse * (2.822502 + inverse * 2.555850));
}

}  // namespace

std::optional<NoiseScaleAverage::Interval> NoiseScaleAverage::interval() const {
  const double steps = sums_.weights * sums_.weights / sums_.weight_squares;
  if (!(steps >= 4 * (1 - 1e-9))) return std::nullopt;
  const double t = student_quantile(steps - 1);
  // The squares are around zero, not around the mean as Student's are.
  const double bound = steps * t * t / (steps - 1 + t * t);
  // a S^2 - 2 b S + c <= 0
  const double a = sums_.norm_sum * sums_.norm_sum - bound * sums_.norm_squares;
  const double b = sums_.variance_sum * sums_.norm_sum - bound * sums_.products;
  const double c =
      sums_.variance_sum * sums_.variance_sum - bound * sums_.variance_squares;
  const double root = std::sqrt(std::max(0.0, b * b - a * c));
  constexpr double infinity = std::numeric_limits<double>::infinity();
  const bool opposed = a > 0 && sums_.norm_sum <= 0;  // no S >= 0 agrees
  if (!std::isfinite(root) || opposed) return std::nullopt;
  if (a > 0)
    return Interval{std::max(0.0, (b - root) / a), std::max(0.0, (b + root) / a)};
  if (c <= 0) return Interval{0, infinity};
  return Interval{c / (b + root), infinity};  // (b - root) / a, without cancellation
}

std::optional<double> NoiseScaleAverage::noise_scale() const {
  if (!(sums_.norm_sum > 0)) return std::nullopt;
  return std::max(0.0, sums_.variance_sum / sums_.norm_sum);
}

}  // namespace batchlab
