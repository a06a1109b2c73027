// SPDX-License-Identifier: MIT
//
// A run as an event file that TensorBoard reads.
//
//   batch_size, learning_rate, batch_loss, ...   every figure of steps.csv
//   test/loss, test/accuracy, validation/...     of evaluations.csv
//
// Empty cells are left out, and an accuracy that is no number (of data without
// classes); other figures may be nan or infinite. A wall time is the start of the run
// plus the training clock, so that evaluation takes no time. Figures are kept in single
// precision.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

#include "results/run_store.hpp"

namespace batchlab {

// What TensorBoard takes for the step.
enum class EventStep { updates, examples };

struct EventFile {
  std::string name;                // events.out.tfevents.<start in seconds>.batchlab
  std::string bytes;               // in the order of steps
  std::size_t events = 0;          // without the one that tells the version
  std::vector<std::string> notes;  // what was dropped or missing
};

// Throws Error(corrupt) naming file and row where a figure is no number, or the file
// has no such column, or run.json no start.
[[nodiscard]] EventFile event_file(const Run& run, EventStep step);

// <specification>/<the run's folder>. Throws Error(corrupt) where that is none: a
// specification whose name would lead out of a folder.
[[nodiscard]] std::filesystem::path event_folder(const Run& run);

// Replaces the one that `folder`, made if missing, has of an earlier export. Throws
// Error(disk).
void write_event_file(const EventFile& file, const std::filesystem::path& folder);

}  // namespace batchlab
