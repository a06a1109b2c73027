// SPDX-License-Identifier: MIT
//
// Inside results/ only: which controller has the best mean, by each measure, and
// whether its runs can tell it from the others. Controllers of which some run never
// reached the target have no sample: leaving out their slow runs would favour them.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "results/report/model.hpp"
#include "results/target.hpp"

namespace batchlab {

// One measure: the samples by their means, the best first, and how the others differ
// from it.
struct VerdictColumn {
  std::string name;  // "examples to the target"
  std::string unit;  // "examples", of what a target took; else empty
  std::vector<ControllerSample> samples;
  std::vector<PairwiseComparison> differences;
  // Of all runs of a controller, whether they arrived or not; null: none is.
  Summary ComparisonRow::*row = nullptr;

  // Of the best mean, more than one where they tie.
  [[nodiscard]] std::vector<std::string> best() const;
  [[nodiscard]] std::size_t resolved() const;  // of the differences
  // Whether the lead of the best over the others is more than chance, in words.
  [[nodiscard]] std::string lead() const;
};

struct Verdicts {
  std::optional<Target> target;
  std::vector<VerdictColumn> columns;
  std::vector<std::string> refused;  // measures that cannot be told, and why
};

// One of each comparison.
[[nodiscard]] std::vector<Verdicts> verdicts_of(const ReportModel& model);

[[nodiscard]] double mean_of(const ControllerSample& sample);

// Every verdict of every measure, as Markdown.
[[nodiscard]] std::string verdicts_markdown(const ReportModel& model,
                                            const std::vector<Verdicts>& verdicts);

// In words and one table: who reached the target first, and whether that is resolved.
[[nodiscard]] std::string summary_html(const ReportModel& model,
                                       const std::vector<Verdicts>& verdicts,
                                       const std::vector<std::string>& notes);

}  // namespace batchlab
