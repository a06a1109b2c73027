// SPDX-License-Identifier: MIT
//
// Inside results/ only: the figures of measured steps, and how they are written.
#pragma once

#include <string>
#include <vector>

#include "results/bench_report.hpp"
#include "results/report/parts.hpp"

namespace batchlab {

// Of one network: the time of a step against the batch size, each thread count with its
// repeats' spread and its fitted line; examples per second likewise.
void add_bench_charts(const BenchedNetwork& network, std::vector<DrawnChart>& charts);

// "1 thread", "2 threads".
[[nodiscard]] std::string threads_text(std::size_t threads);

// "120.5 us + 1.893 us x batch size, within 4 %"
[[nodiscard]] std::string fit_text(const StepTimeFit& fit);

}  // namespace batchlab
