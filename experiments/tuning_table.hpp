// SPDX-License-Identifier: MIT
//
// What a tuning came to, on standard output.
#pragma once

#include <span>

#include "experiments/tuning_search.hpp"
#include "results/run_store.hpp"

namespace batchlab {

// Each batch size with every rate that was tried.
void print_trials(const Tuning& tuning, const TuningSearch& search);

// Each batch size with its rate and the means of `runs`, those of the other seeds, then
// what to know before believing them.
void print_tuned(const Tuning& tuning, const TuningSearch& search,
                 std::span<const Run> runs);

}  // namespace batchlab
