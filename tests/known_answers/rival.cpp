// SPDX-License-Identifier: MIT
//
// Along an eigenvector with eigenvalue h, variance c and mean m the mean gradient of a
// batch is h m + h sqrt(c (1/B - 1/N)) z, z standard normal: sqrt(B) z is the sum over
// its examples, to which those that extend it add. What n examples tell of a
// variance along one direction is wrong by sqrt(2/n) of it.
#include "tests/known_answers/rival.hpp"

#include <algorithm>
#include <cmath>

namespace batchlab::known_answers {

NoisyStep NormalNoise::step(double batch_size) {
  size_ = 0;
  sums_.assign(problem_.directions.size(), 0);
  return extended(batch_size);
}

NoisyStep NormalNoise::extended(double batch_size) {
  constexpr double most_compared = 512;  // rows whose inner products a step measures
  const double more = std::sqrt(batch_size - size_);
  const double left = std::sqrt(1 - batch_size / problem_.examples) / batch_size;
  size_ = batch_size;
  double q = 0, along = 0;
  for (std::size_t i = 0; i < sums_.size(); ++i) {
    const Direction& d = problem_.directions[i];
    const double variance = d.curvature * d.curvature * d.variance;
    sums_[i] += more * normal_(generator_);
    const double mean = d.curvature * d.mean + std::sqrt(variance) * left * sums_[i];
    q += mean * mean;
    along += mean * mean * variance;
  }
  const double trace_error = std::sqrt(2 * problem_.variance_squares / batch_size);
  const double product_error = std::sqrt(2 / std::min(batch_size, most_compared));
  NoisyStep step{};
  step.norm_squared = q;
  step.variance_trace =
      problem_.noise.gradient_variance_trace + trace_error * normal_(generator_);
  step.inner_product_variance = along * (1 + product_error * normal_(generator_));
  step.orthogonal_variance = step.variance_trace - step.inner_product_variance / q;
  return step;
}

namespace {

// Nothing smaller than before.
double grown(double needed, double size) { return std::max(size, std::round(needed)); }

}  // namespace

GrowingRule norm_test_rival(double theta) {
  return [theta](const NoisyStep& step, double size, NormalNoise&) {
    return grown(step.variance_trace / (theta * theta * step.norm_squared), size);
  };
}

GrowingRule inner_product_test_rival(double theta) {
  return [theta](const NoisyStep& step, double size, NormalNoise&) {
    return grown(step.inner_product_variance / std::pow(theta * step.norm_squared, 2),
                 size);
  };
}

GrowingRule orthogonal_test_rival(double nu) {
  return [nu](const NoisyStep& step, double size, NormalNoise&) {
    return grown(step.orthogonal_variance / (nu * nu * step.norm_squared), size);
  };
}

GrowingRule big_batch_rival(double delta) {
  return [delta](NoisyStep step, double size, NormalNoise& noise) {
    while (step.norm_squared <= step.variance_trace / size) {
      size += std::ceil(delta * size);
      step = noise.extended(size);
    }
    return size;
  };
}

double last_size(const Problem& problem, const GrowingRule& rule, double first,
                 int steps, std::uint32_t runs) {
  double sum = 0;
  for (std::uint32_t run = 0; run < runs; ++run) {
    NormalNoise noise(problem, run);
    double size = first;
    for (int step = 1; step < steps; ++step) size = rule(noise.step(size), size, noise);
    sum += size;
  }
  return sum / runs;
}

}  // namespace batchlab::known_answers
