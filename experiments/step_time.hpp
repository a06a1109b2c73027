// SPDX-License-Identifier: MIT
//
// The time of a step, measured once for an experiment and kept beside its runs, in
// measured.json.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "experiments/bench.hpp"

namespace batchlab {

inline constexpr const char* step_time_file = "measured.json";

// What `folder`/measured.json has for the data, network, optimizer, statistics and
// engine of `run`; threads do not count, so that a run is the same with any. Throws
// Error(corrupt) naming the file.
[[nodiscard]] std::optional<StepTimeFit> kept_step_time(
    const std::filesystem::path& folder, const RunConfiguration& run);

// Measures it, in about two seconds, and keeps it in `folder`, which exists. Waits
// where another process does, and takes its result. Throws Error(failed) where no time
// per step or per example can be told.
[[nodiscard]] StepTimeFit measure_step_time(const std::filesystem::path& folder,
                                            const RunConfiguration& run,
                                            const DataSource& source,
                                            std::size_t threads);

// "80.0 us + 2.700 us x batch size with 2 threads".
[[nodiscard]] std::string step_time_text(const StepTimeFit& time);

}  // namespace batchlab
