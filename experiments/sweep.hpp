// SPDX-License-Identifier: MIT
//
// The runner: all runs of a specification, each in a process of its own, so that one
// that fails does not take the others with it.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "experiments/specification.hpp"

namespace batchlab {

inline constexpr int exit_some_failed = 8;

struct SweepOptions {
  std::filesystem::path out;          // <out>/<specification>/<label>-seed<n>/
  std::size_t threads = 0;            // per run; 0: the cores divided by jobs
  std::size_t jobs = 1;               // runs at once
  bool quiet = false;                 // no progress, no messages but errors
  bool dry_run = false;               // say what would be done
  bool json = false;                  // a dry run prints the complete configurations
  std::string control;                // a file of interventions in all runs, or empty
  bool allow_changed_plugin = false;  // keep runs that another build of one made
  bool comparison = true;             // printed at the end
};

// Does what is missing: runs that finished or diverged with the same configuration are
// kept. First measures options that are measured where unset (measured_options.hpp).
// Prints the comparison, where asked, to standard output. Returns the exit code: 0; the
// code of the runs that failed if all did alike; exit_some_failed; 128 + signal. Throws
// Error before any run starts for: data that cannot be loaded, a configuration or a
// control file that the data refuse, a folder that cannot be written, an existing run
// made from another configuration or by another build of a plugin. With a control file,
// interventions make no other one.
[[nodiscard]] int run_sweep(std::vector<RunConfiguration> runs,
                            const SweepOptions& options);

}  // namespace batchlab
