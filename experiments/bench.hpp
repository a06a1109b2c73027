// SPDX-License-Identifier: MIT
//
// How long a training step takes on this machine, for batch sizes and threads.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include "experiments/specification.hpp"
#include "nn/dataset.hpp"

namespace batchlab {

// Of whole training steps (data, forward, backward, update, decision), each value the
// mean of a repeat of many steps.
struct BenchRow {
  std::int64_t batch_size = 0;
  std::size_t threads = 0;
  double step_seconds = 0;  // median over the repeats
  double step_seconds_min = 0, step_seconds_max = 0;
  double examples_per_second = 0;
  std::size_t peak_memory_bytes = 0;  // of the measuring process, data included
};

// Least squares, weighted by 1 / step_seconds^2, of step time = a + b B for one thread
// count.
struct StepTimeFit {
  std::size_t threads = 0;
  double a_seconds = 0;  // per step
  double b_seconds_per_example = 0;
  double largest_residual = 0;  // relative to the measured time
};

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

// One per thread count; none where fewer than two batch sizes were measured.
[[nodiscard]] std::vector<StepTimeFit> fit_step_time(std::span<const BenchRow> rows);

}  // namespace batchlab
