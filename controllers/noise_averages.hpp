// SPDX-License-Identifier: MIT
//
// Gradient noise averaged over the examples of late, for rules that else take the
// figures of a single step for their word.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "controllers/epoch_tail.hpp"
#include "controllers/option.hpp"
#include "controllers/statistics.hpp"

namespace batchlab {

// `horizon_examples`, unset by default.
[[nodiscard]] Option horizon_option();

class NoiseAverages {
 public:
  // `along`: also of the noise along the gradient.
  NoiseAverages(double horizon_examples, bool along)
      : horizon_(horizon_examples), along_(along) {}

  [[nodiscard]] Needs needs() const;

  // Takes in a step of which these needs are measured; one that is not finite is left
  // out.
  void add(const Statistics& statistics);

  // What such a step would measure were its batch an average one: q, V, G2 (to within
  // V/N) and, along the gradient, VarIP and VarOrth. Absent before the averages have
  // seen their horizon, and where q is not positive: the gradient is not resolved from
  // the noise.
  [[nodiscard]] std::optional<Statistics> averaged(const Statistics& statistics) const;

  // Why it is absent.
  [[nodiscard]] std::string missing(const Statistics& statistics) const;

  [[nodiscard]] nlohmann::json save() const;
  void load(const nlohmann::json& state);

 private:
  // Two means; a step of n examples weighs n, an older one less by
  // exp(-examples since / horizon).
  struct Means {
    double examples = 0;  // in all
    double weight = 0;
    double first = 0, second = 0;
    void add(double count, double horizon, double first_value, double second_value);
  };
  [[nodiscard]] double examples(const Statistics& statistics) const;

  double horizon_;
  bool along_;
  Means noise_;                    // of V and q - V/B
  Means products_;                 // of VarIP and q, of batches of one size
  std::int64_t product_size_ = 0;  // theirs
  EpochTail tail_;
};

}  // namespace batchlab
