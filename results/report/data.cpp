// SPDX-License-Identifier: MIT
//
// The model as JSON for the scripts of the page. Numbers are written by hand: five
// significant digits, and columns that only grow by whole steps as their differences,
// which halves the page.
#include <fmt/format.h>

#include <charconv>
#include <cmath>

#include "results/report/model.hpp"
#include "results/report_text.hpp"

namespace batchlab {
namespace {

using nlohmann::json;

std::string list(const std::vector<std::string>& items) {
  return fmt::format("[{}]", fmt::join(items, ","));
}

std::string numbers(const std::vector<double>& values) {
  std::vector<std::string> texts;
  texts.reserve(values.size());
  for (const double value : values) texts.push_back(chart_number(value));
  return list(texts);
}

// 32, 64, 96 as [32, 32, 32]; null stays null and does not move the sum.
std::string differences(const std::vector<double>& values) {
  std::vector<double> steps;
  steps.reserve(values.size());
  double before = 0;
  for (const double value : values) {
    steps.push_back(value - before);
    if (std::isfinite(value)) before = value;
  }
  return numbers(steps);
}

std::string text(const std::string& value, std::size_t limit = 120) {
  return script_json(clean_text(value, limit));
}

std::string series_json(const Series& series) {
  std::vector<std::string> columns;
  for (std::size_t i = 0; i < series.names.size(); ++i) {
    columns.push_back(
        fmt::format("[{},{}]", text(series.names[i], 60), numbers(series.columns[i])));
  }
  return fmt::format(
      "{{\"name\":{},\"rows\":{},\"examples\":{},\"updates\":{},\"seconds\":{},"
      "\"columns\":{}}}",
      text(series.name, 60), series.rows_read, differences(series.examples),
      differences(series.updates), numbers(series.seconds), list(columns));
}

// Figures to five digits; the rest is text.
std::string cell_json(const std::string& cell) {
  double value = 0;
  const char* end = cell.data() + cell.size();
  const auto [stop, problem] = std::from_chars(cell.data(), end, value);
  if (stop == end && problem == std::errc() && std::isfinite(value)) {
    return chart_number(value);
  }
  return text(cell, 240);
}

std::string decisions_json(const ReportDecisions& decisions) {
  std::vector<std::string> names, rows;
  for (const std::string& name : decisions.columns) names.push_back(text(name, 60));
  for (const auto& row : decisions.rows) {
    std::vector<std::string> cells;
    for (const std::string& cell : row) cells.push_back(cell_json(cell));
    rows.push_back(list(cells));
  }
  return fmt::format("{{\"read\":{},\"columns\":{},\"rows\":{}}}", decisions.rows_read,
                     list(names), list(rows));
}

std::string run_json(const ReportRun& run) {
  std::vector<std::string> series;
  for (const Series& one : run.series) series.push_back(series_json(one));
  return fmt::format(
      "{{\"comparison\":{},\"controller\":{},\"seed\":{},\"status\":{},\"series\":{},"
      "\"decisions\":{}}}\n",
      run.comparison, run.controller, run.run->seed(), text(run.run->status()),
      list(series), decisions_json(run.decisions));
}

std::string comparison_json(const Comparison& comparison) {
  std::vector<std::string> controllers;
  for (const auto& row : comparison.rows) controllers.push_back(text(row.controller));
  return fmt::format(
      "{{\"specification\":{},\"split\":{},\"target\":{},\"controllers\":{}}}",
      text(comparison.specification), text(comparison.split),
      comparison.target ? text(*comparison.target) : "null", list(controllers));
}

}  // namespace

std::string report_data(const ReportModel& model) {
  std::vector<std::string> comparisons, runs;
  for (const auto& comparison : model.comparisons) {
    comparisons.push_back(comparison_json(comparison));
  }
  for (const ReportRun& run : model.runs) runs.push_back(run_json(run));
  return fmt::format("{{\"comparisons\":{},\n\"runs\":{}}}", list(comparisons),
                     list(runs));
}

}  // namespace batchlab
