// SPDX-License-Identifier: MIT
//
// From what rules need to what a step measures.
#pragma once

#include <string>

#include "controllers/statistics.hpp"
#include "nn/dataset.hpp"
#include "nn/training_step.hpp"

namespace batchlab {

// With what is measured on the way to `needs`, and so is logged too.
[[nodiscard]] Needs with_components(Needs needs);

// What a step has to measure so that `needs`, with their components, can be told.
[[nodiscard]] Measurements measurements_for(Needs needs, Estimator estimator);

// Throws Error(usage) where the rule `label` reads what a run on data set `set` cannot
// measure.
void check_needs(const std::string& label, Needs needs, const Split& split,
                 const std::string& set);

}  // namespace batchlab
