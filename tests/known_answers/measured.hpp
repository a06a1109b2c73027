// SPDX-License-Identifier: MIT
//
// Runs of the training loop, reduced to means.
#pragma once

#include <functional>
#include <vector>

#include "tests/known_answers/problem.hpp"

namespace batchlab::known_answers {

// Means over the second half of the steps of a run; not a number: not measured.
struct Measured {
  double batch_size = 0, wanted = 0;  // in force; before the limits
  double loss = 0;
  double norm_squared = 0;                           // q
  double variance_trace = 0, true_norm_squared = 0;  // V, G2
  double example_norm_squared = 0;                   // s
  double inner_product_variance = 0, orthogonal_variance = 0, half_cosine = 0;
  double noise_scale = 0;
  // The averages' intervals, three horizons apart from the first on: in all, and those
  // that hold the true noise scale.
  double intervals = 0, covering = 0;
  double last_batch_size = 0;         // of the last step outside trials
  double examples_before_growth = 0;  // seen with the first batch size
};

// Of each run: a member, or a function of them all.
template <class Value>
[[nodiscard]] std::vector<double> values(const std::vector<Measured>& runs,
                                         const Value& value) {
  std::vector<double> result;
  for (const Measured& run : runs) result.push_back(std::invoke(value, run));
  return result;
}

// Trains every run of `specification`, which must have a budget in steps, on the data
// of `problem`: [controller entry][seed]. `jobs` of them at once.
[[nodiscard]] std::vector<std::vector<Measured>> measure(
    const Problem& problem, const nlohmann::json& specification, std::size_t jobs);

}  // namespace batchlab::known_answers
