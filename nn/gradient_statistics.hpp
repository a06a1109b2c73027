// SPDX-License-Identifier: MIT
//
// Gradient statistics of a step: how much of the gradient is noise.
//
//     q = |gbar|^2                                  gbar: mean gradient of the batch
//     V = trace of the covariance of g_i            unbiased
//     G2 = q - V (1/B - 1/N)                        unbiased |true gradient|^2
//     noise scale = EMA(V) / EMA(G2)                McCandlish et al. 2018
//     inner product variance = Var <g_i, gbar>      Bollapragada et al. 2018
//     orthogonal variance = V - inner product variance / q
//
// The 1/N is the finite-population correction: an epoch is drawn without replacement,
// so a batch of all N examples has no noise and G2 = q. No clipping but of the ratio:
// it would bias the averages.
#pragma once

#include <cstdint>
#include <optional>

namespace batchlab {

// How V and G2 are estimated: from the gradients of the examples, of the lanes of a
// batch, or of the last two steps, between which the parameters have changed.
enum class Estimator { per_example, micro_batch, two_step };

// Sums over groups of examples: of one example each, lanes, or batches.
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
// training_set_size: N; absent: as if drawn with replacement, without the 1/N.
[[nodiscard]] GradientEstimate estimate(const GroupedGradients& gradients,
                                        std::optional<std::int64_t> training_set_size);

// Two batches of n and m examples as the two groups of one: with d = gbar_1 - gbar_2,
// |gbar|^2 = (n |gbar_1|^2 + m |gbar_2|^2) / (n + m) - n m |d|^2 / (n + m)^2.
struct BatchGradient {
  std::int64_t batch_size = 0;       // 0: none
  double gradient_norm_squared = 0;  // |gbar|^2
};
[[nodiscard]] GroupedGradients pair(const BatchGradient& first,
                                    const BatchGradient& second,
                                    double distance_squared);

// Cosine of the angle between the gradients of both parts of a batch, from the squared
// norms of their sums and of the sum of these. Absent where a norm is zero.
[[nodiscard]] std::optional<double> cosine(double first_norm_squared,
                                           double second_norm_squared,
                                           double sum_norm_squared);

// Sums over some examples of a batch, each beside gbar of the whole batch.
struct InnerProducts {
  std::int64_t examples = 0;      // 0: not measured
  double deviations_squared = 0;  // sum_i (<g_i, gbar> - q)^2
  double orthogonal_squared = 0;  // sum_i |g_i - <g_i, gbar> gbar / q|^2
};

struct DirectionalVariances {
  std::optional<double> inner_product_variance, orthogonal_variance;
};

// Means over the examples, times B / (B - 1). With all examples of the batch these are
// [sum <g_i, gbar>^2 - B q^2] / (B - 1) and [sum |g_i|^2 - sum <g_i, gbar>^2 / q] /
// (B - 1) (Bollapragada 2018). Absent at B = 1.
[[nodiscard]] DirectionalVariances estimate(const InnerProducts& sums,
                                            std::int64_t batch_size);

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

  // 95 % interval: all S >= 0 for which the steps' V - S G2 average to zero within
  // their own spread, (sum V - S sum G2)^2 <= u^2 sum (V - S G2)^2 with u from
  // Student's t (Fieller 1954, the variance by the infinitesimal jackknife over steps).
  // Without upper end while G2 is not resolved. Absent before the weights amount to
  // four equal steps.
  struct Interval {
    double low, high;
  };
  [[nodiscard]] std::optional<Interval> interval() const;

  // Weighted by examples and age, w: the weights cancel in the ratio.
  struct State {
    double variance_sum = 0, norm_sum = 0;          // sum w V, sum w G2
    double variance_squares = 0, norm_squares = 0;  // sum (w V)^2, sum (w G2)^2
    double products = 0;                            // sum w V w G2
    double weights = 0, weight_squares = 0;         // sum w, sum w^2
  };
  [[nodiscard]] State save() const { return sums_; }
  void load(const State& state) { sums_ = state; }

 private:
  double horizon_;
  State sums_;
};

}  // namespace batchlab
