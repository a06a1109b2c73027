// SPDX-License-Identifier: MIT
//
// Inside results/ only: all that a report shows, read once, for page and figures.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "results/comparison.hpp"
#include "results/report/series.hpp"

namespace batchlab {

// Rows of decisions.csv, as text: who knows what a later version writes there.
struct ReportDecisions {
  std::vector<std::string> columns;
  std::vector<std::vector<std::string>> rows;
  std::size_t rows_read = 0;  // before thinning
};

struct ReportRun {
  const Run* run = nullptr;
  std::size_t comparison = 0, controller = 0;  // places in ReportModel, and its rows
  std::vector<Series> series;
  ReportDecisions decisions;

  // Of that name; null if there is none.
  [[nodiscard]] const Series* find(std::string_view name) const;
};

struct ReportModel {
  std::vector<Comparison> comparisons;
  std::vector<ReportRun> runs;     // by comparison, controller and seed
  std::vector<std::string> notes;  // what was dropped or missing
  std::size_t most_points = 0;     // rows of a curve at most

  // Makes the curves smaller: at most `most` rows each.
  void thin(std::size_t most);
};

// `runs` must outlive the model. Throws nothing for what files hold.
[[nodiscard]] ReportModel report_model(std::span<const Run> runs);

// What the page's scripts are given, as JSON that is safe in a script element.
[[nodiscard]] std::string report_data(const ReportModel& model);

}  // namespace batchlab
