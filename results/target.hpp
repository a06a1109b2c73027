// SPDX-License-Identifier: MIT
//
// What a run has to reach, and where it did.
#pragma once

#include <optional>
#include <string>

#include "results/run_store.hpp"

namespace batchlab {

// A quantity on a split, and its value: accuracy from below, loss from above.
struct Target {
  std::string split, quantity;
  double value = 0;

  [[nodiscard]] bool met_by(const Evaluation& evaluation) const;
  [[nodiscard]] std::string text() const;  // "test_accuracy >= 0.86"
};

// Where a run first met the target: at the first evaluation that did, so that it may
// have been up to one interval between evaluations earlier.
struct TargetReached {
  double examples = 0, updates = 0, training_seconds = 0;
};

// Of its config.json; absent where none was set or it cannot be read.
[[nodiscard]] std::optional<Target> target_of(const Run& run);

// Whether any evaluation of the run has the quantity on the split: else nobody knows
// whether it met the target.
[[nodiscard]] bool measured(const Run& run, const Target& target);

// Absent where the run never met it.
[[nodiscard]] std::optional<TargetReached> reached(const Run& run,
                                                   const Target& target);

}  // namespace batchlab
