// SPDX-License-Identifier: MIT
//
// What is known of the noisy quadratic in closed form, of the examples at hand.
#pragma once

#include <cstdint>
#include <span>

#include "nn/dataset.hpp"
#include "nn/quadratic.hpp"

namespace batchlab {

// Sigma is the covariance of the examples' gradients that estimate() estimates: it
// divides by N - 1. G is their mean.
struct QuadraticNoise {
  double gradient_variance_trace = 0;          // tr Sigma
  double curvature_variance_trace = 0;         // tr(Q Sigma)
  double true_gradient_norm_squared = 0;       // |G|^2
  double curvature_gradient_norm_squared = 0;  // G Q G^T
  double least_loss = 0;  // of all positions: at the mean of the examples

  // In examples; infinite or not a number where G is zero.
  [[nodiscard]] double noise_scale() const {
    return gradient_variance_trace / true_gradient_norm_squared;
  }
  // The batch size to whose loss noise and gradient contribute alike after a step of
  // the best length (McCandlish 2018, eq. 2.8).
  [[nodiscard]] double curvature_noise_scale() const {
    return curvature_variance_trace / curvature_gradient_norm_squared;
  }
};

// `examples`: two positions in `data` or more. `input_scale`: factor from bytes to
// inputs. `position`: theta.
[[nodiscard]] QuadraticNoise quadratic_noise(const Quadratic& quadratic,
                                             const Dataset& data,
                                             std::span<const std::uint32_t> examples,
                                             float input_scale,
                                             std::span<const float> position);

}  // namespace batchlab
