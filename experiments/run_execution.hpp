// SPDX-License-Identifier: MIT
//
// One run, from its configuration to its files on disk.
#pragma once

#include <atomic>
#include <filesystem>
#include <string>

#include "experiments/progress.hpp"
#include "experiments/specification.hpp"
#include "nn/dataset.hpp"

namespace batchlab {

inline constexpr int exit_diverged = 7;

struct RunOptions {
  std::size_t threads = 1;
  bool quiet = false;                 // no messages but errors
  bool rewrite = false;               // as of Progress
  std::string control = {};           // a file of interventions, or empty
  bool allow_changed_plugin = false;  // as of SweepOptions
};

// Trains and writes config.json, run.json, the rows and the checkpoint to `folder`,
// which is made if missing. `interrupted`: the number of the signal that asks to stop,
// or 0; then the files are whole and the status is "interrupted". Whatever fails ends
// in run.json with status "failed" and a reason, as far as the disk permits, and on
// standard error. Returns the exit code of the run: 0, that of an Error, exit_diverged,
// or 128 + signal.
[[nodiscard]] int execute_run(const RunConfiguration& configuration,
                              const DataSource& source,
                              const std::filesystem::path& folder,
                              const RunOptions& options, const SweepPosition& position,
                              const std::atomic<int>& interrupted);

// Whether nothing of a run that is over has been removed since.
[[nodiscard]] bool is_whole(const std::filesystem::path& folder,
                            const RunConfiguration& configuration);

// What makes the run in config.json another one than `configuration`, as
// first_difference() tells it. `controlled`: whatever the interventions were.
[[nodiscard]] std::string difference(nlohmann::json made,
                                     const RunConfiguration& configuration,
                                     bool controlled);

// Whether the run there says that it goes on, and no process writes it.
[[nodiscard]] bool was_left(const std::filesystem::path& folder);

// Records that the process of a run ended without a word.
void record_failure(const std::filesystem::path& folder, const std::string& reason);

}  // namespace batchlab
