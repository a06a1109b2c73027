// SPDX-License-Identifier: MIT
//
// The comparison of controllers: runs grouped over seeds.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "results/run_store.hpp"
#include "results/sample_statistics.hpp"

namespace batchlab {

// Seconds in the rule over steps, of which each has a decision before it. Absent in
// records without them.
[[nodiscard]] std::optional<double> microseconds_per_decision(const Run& run);

// Where a run first met the target, at the first evaluation that did.
struct TargetReached {
  double examples = 0, updates = 0, training_seconds = 0;
};

// One row: the runs of one controller (label) of one specification.
struct ComparisonRow {
  std::string controller;
  std::size_t runs = 0;      // all of them
  std::size_t finished = 0;  // with status "finished"; the figures below are of these
  std::vector<std::string> troubles;  // "seed 2: diverged"
  Summary accuracy, loss;             // last evaluation on the reported split
  Summary updates, examples, training_seconds;
  Summary examples_per_second;        // of the training clock
  Summary microseconds_per_decision;  // of the rule itself; where the run counted them
  std::size_t reached = 0;            // of the finished
  Summary examples_to_target, updates_to_target,
      seconds_to_target;  // of those that reached
};

struct Comparison {
  std::string specification;
  std::string split;  // of accuracy and loss: "test", else what there is
  std::optional<std::string> target;  // "test_accuracy >= 0.86"; absent: none was set
  std::vector<ComparisonRow> rows;    // in the order of the specification
  std::vector<std::string> notes;     // differing budgets, torn lines, n too small, ...
};

// One per specification found among the runs, in order of appearance.
[[nodiscard]] std::vector<Comparison> compare(std::span<const Run> runs);

// The table for a terminal (aligned columns), and for machines and papers.
[[nodiscard]] std::string to_text(const Comparison& comparison);
[[nodiscard]] std::string to_markdown(const Comparison& comparison);
[[nodiscard]] std::string to_csv(std::span<const Comparison> comparisons);
[[nodiscard]] nlohmann::json to_json(std::span<const Comparison> comparisons);

}  // namespace batchlab
