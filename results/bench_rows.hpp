// SPDX-License-Identifier: MIT
//
// How long training steps took, for batch sizes and threads, and the line through that.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

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

// One per thread count; none where fewer than two batch sizes were measured. Rows of
// one thread count stand together.
[[nodiscard]] std::vector<StepTimeFit> fit_step_time(std::span<const BenchRow> rows);

}  // namespace batchlab
