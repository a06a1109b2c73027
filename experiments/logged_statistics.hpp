// SPDX-License-Identifier: MIT
//
// What a run told its controller, read back from the run's files.
#pragma once

#include <cstdint>
#include <vector>

#include "controllers/statistics.hpp"
#include "results/run_store.hpp"

namespace batchlab {

// Examples of the run's training split. Throws as below.
[[nodiscard]] std::int64_t training_set_size(const Run& run);

// What the controller was told at each of its decisions, in order: the first is for
// step
// 1. Bit by bit what it was, for the optional statistics in `needs` at least. Throws
// Error(data) for what was not logged, by its name: a column, steps left out by
// log_every, a run that has not ended; Error(corrupt) for damage, and rows that are
// missing.
[[nodiscard]] std::vector<Statistics> logged_statistics(const Run& run, Needs needs);

}  // namespace batchlab
