// SPDX-License-Identifier: MIT
//
// Gradient statistics of a step: how much of the gradient is noise.
//
//     q = |gbar|^2                                  gbar: mean gradient of the batch
//     V = trace of the covariance of g_i            unbiased
//     G2 = q - V (1/B - 1/N)                        unbiased |true gradient|^2
//     noise scale = EMA(V) / EMA(G2)                McCandlish et al. 2018
//
// The 1/N is the finite-population correction: an epoch is drawn without replacement,
// so a batch of all N examples has no noise and G2 = q. No clipping but of the ratio:
// it would bias the averages.
#pragma once

#include <cstdint>
#include <optional>

namespace batchlab {

// Sums over the groups into which a batch was cut: groups of one example (per-example
// estimator), or lanes (micro-batch estimator).
struct GroupedGradients {
  std::int64_t batch_size = 0;        // B, examples
  std::int64_t groups = 0;            // M; 0: not measured
  double weighted_norms_squared = 0;  // sum_m b_m |gbar_m|^2, b_m examples in group m
  double gradient_norm_squared = 0;   // q
};

struct GradientEstimate {
  std::optional<double> gradient_variance_trace;  // absent with fewer than two groups
  std::optional<double> true_gradient_norm_squared;  // absent as V is; may be negative
};

// V = (sum_m b_m |gbar_m|^2 - B q) / (M - 1), from E sum_m b_m |gbar_m - gbar|^2 =
// (M - 1) V. With M = B it is B/(B-1) (s - q); with equal groups of b examples it is
// (s_b - q) / (1/b - 1/B) (McCandlish 2018, A.1). Both are without replacement.
[[nodiscard]] GradientEstimate estimate(const GroupedGradients& gradients,
                                        std::int64_t training_set_size);

// The ratio of two averages that decay with the examples seen: a step of n examples
// weighs n, and an older one less by exp(-examples since / horizon). V and G2 do not
// depend on B, so the averages outlive a change of batch size.
class NoiseScaleAverage {
 public:
  explicit NoiseScaleAverage(double horizon_examples) : horizon_(horizon_examples) {}

  void add(std::int64_t batch_size, double gradient_variance_trace,
           double true_gradient_norm_squared);

  // In examples. Absent before the first step, and while the average of G2 is not
  // positive: the true gradient is not resolved from the noise.
  [[nodiscard]] std::optional<double> noise_scale() const;

  struct State {
    double variance_sum = 0, norm_sum = 0;  // weighted; the weights cancel in the ratio
  };
  [[nodiscard]] State save() const { return sums_; }
  void load(const State& state) { sums_ = state; }

 private:
  double horizon_;
  State sums_;
};

}  // namespace batchlab
