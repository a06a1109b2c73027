// SPDX-License-Identifier: MIT
//
// Whether runs are compared like for like: the same budget, learning rate, seeds, data,
// target, settings and code; and for their seconds the same machine, threads and jobs.
// Controllers may differ: they are what is compared.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "results/run_store.hpp"

namespace batchlab {

// A sentence each, empty where nothing differs:
//
//   not like for like: budgets differ: budget.epochs is 1 (phases) and 2 (constant)
//   not like for like: seeds differ: phases has 0, 1, 2; constant has 0, 1
//   not like for like in seconds: threads is 1 (phases) and 2 (constant)
//
// What matters to every figure comes first, what matters to seconds alone after it.
// Names and values are data from disk: escape them where they are shown.
[[nodiscard]] std::vector<std::string> fairness(std::span<const Run* const> runs);

}  // namespace batchlab
