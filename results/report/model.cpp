// SPDX-License-Identifier: MIT
//
// Runs read for a report: curves and decisions, thinned.
#include "results/report/model.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

#include "controllers/error.hpp"
#include "results/report_text.hpp"

namespace batchlab {
namespace {

constexpr std::size_t kMostPoints = 500;
constexpr std::size_t kMostDecisions = 20000;  // of all runs together
constexpr std::size_t kMostColumns = 20;

// The rows whose batch size is another than in the row before.
std::vector<std::vector<std::string>> changes(const Table& table) {
  const auto size = table.column("batch_size");
  if (!size) return table.rows;
  std::vector<std::vector<std::string>> changed;
  for (const auto& row : table.rows) {
    if (changed.empty() || changed.back()[*size] != row[*size]) changed.push_back(row);
  }
  return changed;
}

// About `most` rows at equal distances, the first and the last among them.
std::vector<std::vector<std::string>> evenly(std::vector<std::vector<std::string>> rows,
                                             std::size_t most) {
  if (rows.size() <= most) return rows;
  std::vector<std::vector<std::string>> kept;
  for (std::size_t i = 0; i < most; ++i) {
    kept.push_back(std::move(rows[i * (rows.size() - 1) / (most - 1)]));
  }
  return kept;
}

ReportDecisions decisions_of(const Run& run, std::size_t most,
                             std::vector<std::string>& notes) {
  ReportDecisions decisions;
  std::error_code ignored;
  const auto path = run.folder / "decisions.csv";
  if (!std::filesystem::exists(path, ignored)) return decisions;
  try {
    Table table = read_csv(path);
    if (table.torn) notes.emplace_back("decisions.csv: a torn last line was dropped");
    decisions.columns = table.columns;
    decisions.rows_read = table.rows.size();
    if (table.rows.size() > most) table.rows = changes(table);
    decisions.rows = evenly(std::move(table.rows), most);
  } catch (const Error& error) {
    notes.push_back(fmt::format("left out: {}", error.what()));
  }
  const std::size_t columns = std::min(decisions.columns.size(), kMostColumns);
  decisions.columns.resize(columns);
  for (auto& row : decisions.rows) row.resize(columns);
  return decisions;
}

// The place of a run's comparison and row; compare() has one for every run.
std::pair<std::size_t, std::size_t> place(const std::vector<Comparison>& comparisons,
                                          const Run& run) {
  for (std::size_t i = 0; i < comparisons.size(); ++i) {
    if (comparisons[i].specification != run.specification()) continue;
    const auto& rows = comparisons[i].rows;
    const auto row = std::find_if(rows.begin(), rows.end(), [&](const auto& other) {
      return other.controller == run.controller();
    });
    return {i, static_cast<std::size_t>(row - rows.begin())};
  }
  return {0, 0};
}

}  // namespace

const Series* ReportRun::find(std::string_view name) const {
  const auto found = std::find_if(series.begin(), series.end(),
                                  [&](const Series& one) { return one.name == name; });
  return found == series.end() ? nullptr : &*found;
}

void ReportModel::thin(std::size_t most) {
  most_points = std::min(most_points, most);
  for (ReportRun& run : runs) {
    for (Series& series : run.series) series = thinned(series, most);
  }
}

ReportModel report_model(std::span<const Run> runs) {
  ReportModel model;
  model.comparisons = compare(runs);
  model.most_points = kMostPoints;
  const std::size_t most =
      std::max<std::size_t>(20, kMostDecisions / std::max<std::size_t>(1, runs.size()));
  for (const Run& run : runs) {
    std::vector<std::string> notes;
    const auto [comparison, controller] = place(model.comparisons, run);
    model.runs.push_back({.run = &run,
                          .comparison = comparison,
                          .controller = controller,
                          .series = run_series(run, kMostPoints, notes),
                          .decisions = decisions_of(run, most, notes)});
    for (const std::string& note : notes) {
      model.notes.push_back(fmt::format("{}, seed {}: {}", clean_text(run.controller()),
                                        run.seed(), clean_text(note, 400)));
    }
  }
  std::stable_sort(model.runs.begin(), model.runs.end(),
                   [](const auto& a, const auto& b) {
                     return std::tuple(a.comparison, a.controller, a.run->seed()) <
                            std::tuple(b.comparison, b.controller, b.run->seed());
                   });
  return model;
}

}  // namespace batchlab
