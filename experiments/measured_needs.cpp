// SPDX-License-Identifier: MIT
#include "experiments/measured_needs.hpp"

#include <fmt/format.h>

#include "controllers/error.hpp"

namespace batchlab {

Needs with_components(Needs needs) {
  constexpr Needs interval{&Statistics::noise_scale_low, &Statistics::noise_scale_high};
  constexpr Needs noise{&Statistics::gradient_norm_squared,
                        &Statistics::gradient_variance_trace,
                        &Statistics::true_gradient_norm_squared};
  if (needs.has_any(interval | Needs{&Statistics::noise_scale})) {
    return needs | noise | interval | Needs{&Statistics::noise_scale};
  }
  return needs.has(&Statistics::true_gradient_norm_squared) ? needs | noise : needs;
}

Measurements measurements_for(Needs needs, Estimator estimator) {
  const bool noise = needs.has(&Statistics::gradient_variance_trace);
  return {.examples = needs.has(&Statistics::example_gradient_norm_squared_mean) ||
                      (noise && estimator == Estimator::per_example),
          .lanes = noise && estimator == Estimator::micro_batch,
          .halves = needs.has(&Statistics::half_batch_cosine),
          .steps = noise && estimator == Estimator::two_step,
          .inner_products = needs.has_any(
              {&Statistics::inner_product_variance, &Statistics::orthogonal_variance})};
}

void check_needs(const std::string& label, Needs needs, const Split& split,
                 const std::string& set) {
  const bool validation = needs.has(&Statistics::validation_loss) ||
                          needs.has(&Statistics::validation_accuracy);
  if (validation && split.validation.empty()) {
    throw Error(
        ErrorKind::usage,
        fmt::format("{}: needs a validation split; set data.validation_fraction "
                    "above 0, or another metric of the rule",
                    label));
  }
  if (needs.has(&Statistics::validation_accuracy) && find_data_set(set).generated) {
    throw Error(ErrorKind::usage,
                fmt::format("{}: needs an accuracy, which data.set = \"{}\" has not; "
                            "set another metric of the rule, as validation_loss",
                            label, set));
  }
}

}  // namespace batchlab
