// SPDX-License-Identifier: MIT
//
// What a controller is told about the step just made: scalars only.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace batchlab {

struct Statistics {
  // Always present. Before the first step: all zero but training_set_size.
  std::int64_t step = 0;               // updates made so far
  std::int64_t examples_seen = 0;      // examples used by those updates
  std::int64_t epochs_completed = 0;   // whole passes over the training data in use
  std::int64_t batch_size = 0;         // examples in the step just made
  std::int64_t training_set_size = 0;  // examples of the training split
  double learning_rate = 0;            // used by the step just made
  double batch_loss = 0;               // mean loss over its batch; NaN when it diverged

  // Measured only when a controller declares the need; absent also where undefined.
  // g_i: gradient of example i, gbar: their mean.
  std::optional<double> gradient_norm_squared;    // q = |gbar|^2
  std::optional<double> gradient_variance_trace;  // V = tr(covariance of the g_i)
  std::optional<double>
      true_gradient_norm_squared;  // q - V (1/B - 1/N); may be negative
  std::optional<double>
      noise_scale;  // EMA(V) / EMA(true_gradient_norm_squared), examples
  // Its 95 % interval; the upper end is infinite where the gradient is not resolved.
  std::optional<double> noise_scale_low, noise_scale_high;
  std::optional<double> example_gradient_norm_squared_mean;  // s = mean |g_i|^2
  std::optional<double> inner_product_variance;  // of <g_i, gbar> over examples
  std::optional<double> orthogonal_variance;     // of g_i - <g_i, gbar> gbar / q
  std::optional<double> half_batch_cosine;       // of the gradients of both halves
  // Of the training clock, for the step just made. A rule that reads it makes a run
  // that cannot be repeated but by a replay of its decisions.
  std::optional<double> step_seconds;

  // Present only on a step after which an evaluation was made, and only when declared.
  std::optional<double> validation_loss;
  std::optional<double> validation_accuracy;
  std::optional<double> training_loss;  // mean batch loss since the previous evaluation
};

// One row per optional field: a need, a CSV column and a field are the same name.
struct Quantity {
  std::string_view name;
  std::optional<double> Statistics::*field;
  bool per_step;  // measured at every step and logged; otherwise only at evaluations
};

inline constexpr std::array<Quantity, 14> quantities{{
    {"gradient_norm_squared", &Statistics::gradient_norm_squared, true},
    {"gradient_variance_trace", &Statistics::gradient_variance_trace, true},
    {"true_gradient_norm_squared", &Statistics::true_gradient_norm_squared, true},
    {"noise_scale", &Statistics::noise_scale, true},
    {"noise_scale_low", &Statistics::noise_scale_low, true},
    {"noise_scale_high", &Statistics::noise_scale_high, true},
    {"example_gradient_norm_squared_mean",
     &Statistics::example_gradient_norm_squared_mean, true},
    {"inner_product_variance", &Statistics::inner_product_variance, true},
    {"orthogonal_variance", &Statistics::orthogonal_variance, true},
    {"half_batch_cosine", &Statistics::half_batch_cosine, true},
    {"step_seconds", &Statistics::step_seconds, true},
    {"validation_loss", &Statistics::validation_loss, false},
    {"validation_accuracy", &Statistics::validation_accuracy, false},
    {"training_loss", &Statistics::training_loss, false},
}};

// A set of quantities.
class Needs {
 public:
  constexpr Needs() = default;
  constexpr Needs(std::initializer_list<std::optional<double> Statistics::*> fields) {
    for (auto field : fields) {
      for (std::size_t i = 0; i < quantities.size(); ++i) {
        if (quantities[i].field == field) bits_ |= 1U << i;
      }
    }
  }
  [[nodiscard]] constexpr bool has(std::optional<double> Statistics::*field) const {
    return has_any(Needs{field});
  }
  [[nodiscard]] constexpr bool has_any(Needs other) const {
    return (bits_ & other.bits_) != 0;
  }
  constexpr Needs operator|(Needs other) const {
    other.bits_ |= bits_;
    return other;
  }
  constexpr bool operator==(const Needs&) const = default;

 private:
  std::uint32_t bits_ = 0;
};

// `statistics` with every optional field absent that `needs` does not name.
[[nodiscard]] inline Statistics only(Statistics statistics, Needs needs) {
  for (const Quantity& quantity : quantities) {
    if (!needs.has(quantity.field)) (statistics.*quantity.field).reset();
  }
  return statistics;
}

}  // namespace batchlab
