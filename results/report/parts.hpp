// SPDX-License-Identifier: MIT
//
// Inside results/ only: the parts of a report's page, as markup, and its figures.
#pragma once

#include <string>
#include <vector>

#include "results/report/model.hpp"
#include "results/svg_chart.hpp"
#include "results/time_to_target.hpp"

namespace batchlab {

// The runs of one comparison; of one controller of it.
[[nodiscard]] std::vector<const Run*> runs_of(const ReportModel& model,
                                              std::size_t comparison);
[[nodiscard]] std::vector<const Run*> runs_of(const ReportModel& model,
                                              std::size_t comparison,
                                              std::size_t controller);

// That of the first run of the comparison that has one.
[[nodiscard]] std::optional<Target> target_of(const ReportModel& model,
                                              std::size_t comparison);

// One way to count what a run took to its target.
struct TargetMeasure {
  const char* name;    // "examples"
  const char* unit;    // after a figure
  const char* fewest;  // "fewest examples"
  double TargetReached::*value;
  CensoredSummary TimeToTarget::*summary;
  Summary ComparisonRow::*row;
};
inline constexpr TargetMeasure kTargetMeasures[] = {
    {"examples", "examples", "fewest examples", &TargetReached::examples,
     &TimeToTarget::examples, &ComparisonRow::examples_to_target},
    {"updates", "updates", "fewest updates", &TargetReached::updates,
     &TimeToTarget::updates, &ComparisonRow::updates_to_target},
    {"seconds", "s of training", "least training time",
     &TargetReached::training_seconds, &TimeToTarget::training_seconds,
     &ComparisonRow::seconds_to_target},
};

// A sentence each, as a list; empty for none.
[[nodiscard]] std::string notes_html(const std::vector<std::string>& notes);

// Each figure of every run, beside those of the sample.
[[nodiscard]] std::string figures_html(const ReportModel& model);
// Totals of runs, differences in configuration, environment.
[[nodiscard]] std::string tables_html(const ReportModel& model);

struct DrawnChart {
  std::string name;      // of its file
  bool in_page = false;  // else the page has a chart that is drawn by script
  std::string section;   // heading in the page
  std::string words;     // what it shows, for who cannot see it
  Chart chart;
  std::string below = {};  // markup after it in the page, such as tables of its figures
};
// What cannot be drawn of the figures in the files is told in the model's notes.
[[nodiscard]] std::vector<DrawnChart> drawn_charts(ReportModel& model);

// Adds updates against examples, where a sweep of constant batch sizes is among the
// runs; and examples per second and the time of a step against the batch size. Each
// with its tables. `name` ends the title, `prefix` begins the names of files. Throws
// Error(data) for figures that cannot be.
void add_trade_off(const ReportModel& model, std::size_t comparison,
                   const std::string& prefix, std::vector<DrawnChart>& charts);
void add_throughput(const ReportModel& model, std::size_t comparison,
                    const std::string& name, const std::string& prefix,
                    std::vector<DrawnChart>& charts);

// The figures of each sweep as a table, with what it cannot tell; empty: no sweep.
[[nodiscard]] std::string sweeps_markdown(const ReportModel& model);

// Adds performance profiles where two comparisons or more, each with a target, have two
// controllers or more in common.
void add_profiles(const ReportModel& model, std::vector<DrawnChart>& charts);

}  // namespace batchlab
