// SPDX-License-Identifier: MIT
//
// Optimizers: loops over flat arrays, a chunk at a time, so that threads can share the
// pass and it can be fused with the reduction. Conventions and defaults are Keras's,
// those of adagrad PyTorch's.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "nn/array.hpp"

namespace batchlab {

struct OptimizerOptions {
  std::string name = "adam";  // sgd, adam, adamw, adagrad
  double momentum = 0;        // sgd
  bool nesterov = false;      // sgd
  double weight_decay =
      0;               // sgd, adamw: decoupled, parameters *= 1 - rate weight_decay
  double beta1 = 0.9;  // adam, adamw
  double beta2 = 0.999;
  double epsilon = 1e-7;                    // adam, adamw, adagrad
  double initial_squared_gradient_sum = 0;  // adagrad
};

[[nodiscard]] const std::vector<std::string>& optimizer_names();

// State that a checkpoint holds: arrays as long as the parameters, and numbers.
struct OptimizerState {
  std::vector<std::pair<std::string, Array*>> arrays;
  std::vector<std::pair<std::string, double*>> numbers;
};

// What an update finds on its way.
struct UpdateSums {
  double gradient_norm_squared = 0;  // of the mean gradient, summed as sum_of_squares()
  bool finite = true;                // the parameters, after it
};

class Optimizer {
 public:
  virtual ~Optimizer() = default;

  // Once a step, before the pieces. `batch_ratio`: 1, or k where the moments remember
  // examples rather than steps: 1 - beta1 and 1 - beta2 then are k times, epsilon
  // k^-0.5 times what the options say (Malladi et al. 2022). For adam and adamw; a beta
  // below 0 counts as 0.
  virtual void begin_step(double learning_rate, double batch_ratio = 1) = 0;

  // Updates parameters [offset, offset + size of `gradient_sum`), of which `parameters`
  // is the first. `factor`: from `gradient_sum` to the mean over the batch. Different
  // pieces on different threads.
  virtual UpdateSums update(float* parameters, std::span<const float> gradient_sum,
                            std::size_t offset, float factor = 1) = 0;

  // Forgets the steps before: moments as at the start.
  virtual void reset() = 0;

  [[nodiscard]] virtual OptimizerState state() = 0;
};

// Throws Error(usage) for an unknown name.
[[nodiscard]] std::unique_ptr<Optimizer> make_optimizer(const OptimizerOptions& options,
                                                        std::size_t parameter_count);

}  // namespace batchlab
