// SPDX-License-Identifier: MIT
//
// What a run will do, before it does it: exactly for a rule that reads no statistic, by
// its bounds for the others.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "experiments/specification.hpp"
#include "nn/dataset.hpp"

namespace batchlab {

// Steps in a row that want the same batch size. At the end of an epoch one of them may
// be shorter.
struct PlanPhase {
  std::int64_t batch_size = 0;  // in force, examples
  std::int64_t first_step = 0;  // from 1
  std::int64_t steps = 0;
  std::int64_t examples = 0;
  double first_learning_rate = 0, last_learning_rate = 0;
};

struct Plan {
  std::string label;
  std::string reason;                       // why it is not exact; empty where it is
  std::vector<PlanPhase> phases;            // of an exact plan
  std::vector<std::string> unset_measured;  // options: measured before the first run
  // In total; the same number twice in an exact plan. 0 and 0 where the budget does not
  // bound them.
  std::int64_t least_steps = 0, most_steps = 0;
  std::int64_t least_examples = 0, most_examples = 0;
};

// Trains nothing. Throws Error(usage) for what the data refuse.
[[nodiscard]] Plan make_plan(const RunConfiguration& configuration,
                             const DataSource& source);

}  // namespace batchlab
