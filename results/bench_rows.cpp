// SPDX-License-Identifier: MIT
#include "results/bench_rows.hpp"

#include <algorithm>

#include "results/step_time_fit.hpp"

namespace batchlab {

std::vector<StepTimeFit> fit_step_time(std::span<const BenchRow> rows) {
  std::vector<StepTimeFit> fits;
  for (auto begin = rows.begin(); begin != rows.end();) {
    const auto end = std::find_if(begin, rows.end(), [&](const BenchRow& row) {
      return row.threads != begin->threads;
    });
    std::vector<double> batch_sizes, step_seconds;
    for (auto row = begin; row != end; ++row) {
      batch_sizes.push_back(static_cast<double>(row->batch_size));
      step_seconds.push_back(row->step_seconds);
    }
    if (const auto line = fit_step_time_line(batch_sizes, step_seconds)) {
      fits.push_back({begin->threads, line->a_seconds, line->b_seconds_per_example,
                      line->largest_residual});
    }
    begin = end;
  }
  return fits;
}

}  // namespace batchlab
