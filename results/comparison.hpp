// SPDX-License-Identifier: MIT
//
// The comparison of controllers: runs grouped over seeds.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "results/paired_comparison.hpp"
#include "results/run_store.hpp"
#include "results/sample_statistics.hpp"

namespace batchlab {

// Seconds in the rule over steps, of which each has a decision before it. Absent in
// records without them.
[[nodiscard]] std::optional<double> microseconds_per_decision(const Run& run);

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
  // Parts of the training clock, and evaluation, which is none; where recorded.
  Summary data_seconds, statistics_seconds, controller_seconds, evaluation_seconds;
  std::size_t reached = 0;         // of the finished
  std::size_t target_unknown = 0;  // of the finished: its metric was not measured
  // Mean, deviation and interval of those that reached; median and interquartile mean
  // of all finished and diverged runs, infinite for one that never reached (see
  // time_to_target.hpp).
  Summary examples_to_target, updates_to_target, seconds_to_target;
};

// A total of run.json that older runs may not have.
struct TimePart {
  const char* key;
  Summary ComparisonRow::*summary;
};
inline constexpr TimePart kTimeParts[] = {
    {"data_seconds", &ComparisonRow::data_seconds},
    {"statistics_seconds", &ComparisonRow::statistics_seconds},
    {"controller_seconds", &ComparisonRow::controller_seconds},
    {"evaluation_seconds", &ComparisonRow::evaluation_seconds},
};

struct Comparison {
  std::string specification;
  std::string split;  // of accuracy and loss: "test", else what there is
  std::optional<std::string> target;  // "test_accuracy >= 0.86"; absent: none was set
  std::vector<ComparisonRow> rows;    // in the order of the specification
  // Of the last accuracy on the split, or of the loss where there is no accuracy, all
  // against the best mean.
  std::vector<PairwiseComparison> differences;
  std::string differences_of;      // "test accuracy"; empty: neither is there
  std::vector<std::string> notes;  // differing budgets, torn lines, n too small, ...
  nlohmann::json trade_off;        // trade_off_json(); null: no sweep, or no target
};

// What is wrong with single runs: "constant, seed 2: diverged".
[[nodiscard]] std::vector<std::string> troubles(const Comparison& comparison);

// A figure of the last evaluation on `split` of each finished run, by controller in the
// order of appearance; runs without it count as left out.
[[nodiscard]] std::vector<ControllerSample> last_figures(
    std::span<const Run* const> runs, std::string_view split,
    double Evaluation::*figure);

// The runs whose figures statistics take. The others, such as those that reached their
// target at nan seconds, are named in `notes`, each with the reason.
[[nodiscard]] std::vector<const Run*> comparable(std::span<const Run* const> runs,
                                                 std::vector<std::string>& notes);

// One per specification found among the runs, in order of appearance. Runs that are not
// comparable() are left out, and named in its notes.
[[nodiscard]] std::vector<Comparison> compare(std::span<const Run> runs);

// The table for a terminal (aligned columns), and for machines and papers.
[[nodiscard]] std::string to_text(const Comparison& comparison);
[[nodiscard]] std::string to_markdown(const Comparison& comparison);
[[nodiscard]] std::string to_csv(std::span<const Comparison> comparisons);
[[nodiscard]] nlohmann::json to_json(std::span<const Comparison> comparisons);
// The same with `step_times` from the logs of `runs` (step_times_json()).
[[nodiscard]] nlohmann::json to_json(std::span<const Comparison> comparisons,
                                     std::span<const Run> runs);

}  // namespace batchlab
