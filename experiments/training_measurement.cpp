// SPDX-License-Identifier: MIT
//
// From what a step measured to the statistics that rules see.
#include <limits>

#include "experiments/training.hpp"

namespace batchlab {

void TrainingRun::measure(const ForwardPass& pass, const TrainingStep::Update& update) {
  statistics_.step += 1;
  statistics_.examples_seen += pass.examples;
  examples_kept_ += pass.examples;
  statistics_.epochs_completed = stream_.epochs_completed();
  statistics_.batch_size = pass.examples;
  statistics_.batch_loss = update.parameters_finite
                               ? pass.sum.loss / static_cast<double>(pass.examples)
                               : std::numeric_limits<double>::quiet_NaN();
  if (!controller_.wanted().branching.trial) {
    loss_since_evaluation_ += pass.sum.loss;
    examples_since_evaluation_ += pass.examples;
  }

  const GradientEstimate noise = noise_of(update);
  statistics_.gradient_norm_squared = update.gradient.gradient_norm_squared;
  statistics_.gradient_variance_trace = noise.gradient_variance_trace;
  statistics_.true_gradient_norm_squared = noise.true_gradient_norm_squared;
  average_noise(pass.examples, noise);
  statistics_.half_batch_cosine = update.half_batch_cosine;
  if (update.examples.groups > 0) {
    statistics_.example_gradient_norm_squared_mean =
        update.examples.weighted_norms_squared / static_cast<double>(pass.examples);
  }
  const DirectionalVariances variances = estimate(update.inner_products, pass.examples);
  statistics_.inner_product_variance = variances.inner_product_variance;
  statistics_.orthogonal_variance = variances.orthogonal_variance;
  statistics_ = only(statistics_, measured_);
}

// With two_step the estimate is of the two last batches.
GradientEstimate TrainingRun::noise_of(const TrainingStep::Update& update) const {
  const GroupedGradients& groups = measurements_.steps   ? update.steps
                                   : measurements_.lanes ? update.lanes
                                                         : update.examples;
  return estimate(groups, configuration_.finite_population
                              ? std::optional(stream_.epoch_examples())
                              : std::nullopt);
}

void TrainingRun::average_noise(std::int64_t batch_size,
                                const GradientEstimate& noise) {
  // Pairs of steps that follow each other share a gradient: every second one counts, or
  // the interval would take them for independent.
  const bool counts = !measurements_.steps || !pair_counted_;
  if (noise.gradient_variance_trace) pair_counted_ = counts;
  if (noise.gradient_variance_trace && counts) {
    noise_.add(batch_size, *noise.gradient_variance_trace,
               *noise.true_gradient_norm_squared);
  }
  statistics_.noise_scale = noise_.noise_scale();
  if (statistics_.noise_scale.value_or(0) > 0) noise_scale_ = statistics_.noise_scale;
  const auto interval = noise_.interval();
  statistics_.noise_scale_low.reset();
  statistics_.noise_scale_high.reset();
  if (interval) {
    statistics_.noise_scale_low = interval->low;
    statistics_.noise_scale_high = interval->high;
  }
}

}  // namespace batchlab
