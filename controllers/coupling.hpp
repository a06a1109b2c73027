// SPDX-License-Identifier: MIT
//
// How the learning rate follows the batch size: a choice of its own, beside the rule.
#pragma once

#include <span>
#include <string>
#include <vector>

namespace batchlab {

// What a coupling is told of the step to come.
struct CouplingInput {
  double batch_size = 0;            // B, examples of the step
  double reference_batch_size = 0;  // B0: for which the base rate was tuned
  double noise_scale = 0;           // S, examples: the last one known
  double power = 0;                 // p, an option of `power`
};

struct Coupling {
  std::string name;
  std::string summary;
  std::string source;
  std::string formula;                     // of the factor; k = B / B0
  double (*factor)(const CouplingInput&);  // of the learning rate
  bool reads_noise_scale =
      false;  // which is then measured; until it is known, factor 1
  // Schedules count factor x B0 for each step in place of its examples: a step is worth
  // as many steps at the reference as its gain.
  bool counts_gain = false;
  bool scales_moments = false;            // beta1, beta2 and epsilon follow B / B0 too
  std::vector<std::string> optimizers{};  // that it is defined for; empty: all
};

[[nodiscard]] std::span<const Coupling> couplings();

// Throws Error(usage) naming the closest.
[[nodiscard]] const Coupling& find_coupling(const std::string& name);

}  // namespace batchlab
