// SPDX-License-Identifier: MIT
//
// How long a training step takes on this machine, for batch sizes and threads.
#pragma once

#include <cstdint>
#include <vector>

#include "experiments/specification.hpp"
#include "nn/dataset.hpp"
#include "results/bench_rows.hpp"

namespace batchlab {

// Not measured, before each row.
inline constexpr std::int64_t bench_warm_up_steps = 5;

struct BenchOptions {
  std::vector<std::int64_t> batch_sizes;
  std::vector<std::size_t> threads;
  std::size_t repeats = 7;
  double repeat_seconds = 0.5;  // of each repeat, about
};

// Trains `run`'s network on its data with a constant batch size, each measurement in a
// process of its own, after a warm-up. Epochs drop their tail, so that every step has B
// examples. Throws Error(usage) for a batch size above the training set, Error(failed)
// when a process ends without a result.
[[nodiscard]] std::vector<BenchRow> bench(const RunConfiguration& run,
                                          const DataSource& source,
                                          const BenchOptions& options);

}  // namespace batchlab
