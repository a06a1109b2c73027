// SPDX-License-Identifier: MIT
//
// How the learning rate follows the batch size: a choice of its own, beside the rule.
#pragma once

#include <span>
#include <string>

namespace batchlab {

struct Coupling {
  std::string name;
  std::string summary;
  std::string source;
  // Factor of the learning rate at k = batch_size / reference_batch_size, k > 0.
  double (*factor)(double k);
};

[[nodiscard]] std::span<const Coupling> couplings();  // none, linear, sqrt

// Throws Error(usage) naming the closest.
[[nodiscard]] const Coupling& find_coupling(const std::string& name);

}  // namespace batchlab
