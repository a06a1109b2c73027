// SPDX-License-Identifier: MIT
//
// The page of runs: what its sections hold, and the data for its curves.
#include <fmt/format.h>

#include "report_assets.hpp"
#include "results/comparison.hpp"
#include "results/report.hpp"
#include "results/report/frame.hpp"
#include "results/report/parts.hpp"
#include "results/report/verdicts.hpp"
#include "results/report_text.hpp"

namespace batchlab {
namespace {

constexpr std::size_t kMostBytes = 5'800'000;    // of a page
constexpr std::size_t kFewestBytes = 1'000'000;  // of its data, whatever the rest
constexpr std::size_t kFewestPoints = 20;

// What the scripts see of each other, nobody else does.
std::string script() {
  return fmt::format("(() => {{\n'use strict';\n{}}})();\n", report_assets::scripts);
}

// Fewer points of each curve until they fit into so many bytes.
std::string fitted_data(ReportModel& model, std::size_t most) {
  std::string data = report_data(model);
  while (data.size() > most && model.most_points > kFewestPoints) {
    const double share = 0.9 * static_cast<double>(most) / double(data.size());
    const auto fewer = static_cast<std::size_t>(double(model.most_points) * share);
    model.thin(std::max(kFewestPoints, fewer));
    data = report_data(model);
  }
  return data;
}

// What the page is made of, and what was left out of it.
std::string origin_html(const ReportModel& model, const ReportOptions& options) {
  std::string html = "<section id=\"origin\">" + command_html(options);
  html += fmt::format(
      "<p>Curves have at most {} points a run: of each stretch of steps the first, the "
      "lowest and the highest, to five digits. All else is in the files of the "
      "runs.</p>\n",
      model.most_points);
  if (model.notes.empty()) return html + "</section>\n";
  html += "<h3>Noticed while reading</h3><ul>\n";
  constexpr std::size_t most = 200;
  for (std::size_t i = 0; i < std::min(most, model.notes.size()); ++i) {
    html += "<li>" + isolated(model.notes[i], 600) + "</li>\n";
  }
  if (model.notes.size() > most) {
    html += fmt::format("<li>and {} more</li>\n", model.notes.size() - most);
  }
  return html + "</ul></section>\n";
}

std::string page(ReportModel& model, const std::vector<DrawnChart>& charts,
                 const std::vector<Verdicts>& verdicts, const ReportOptions& options) {
  PageParts parts{.main = "",
                  .library_style = report_assets::library_style,
                  .data = "",
                  .scripts = {std::string(report_assets::library), script()}};
  const std::string summary = summary_html(model, verdicts, options.notes);
  const std::string figures = figures_html(model), drawings = drawings_html(charts);
  const std::string tables = tables_html(model);
  std::size_t rest = parts.library_style.size() + summary.size() + figures.size() +
                     drawings.size() + tables.size();
  for (const std::string& one : parts.scripts) rest += one.size();
  parts.data = fitted_data(
      model, std::max(kFewestBytes, kMostBytes - std::min(kMostBytes, rest)));
  parts.main =
      filled(report_assets::runs, {{"SUMMARY", summary},
                                   {"FIGURES", figures},
                                   {"DRAWINGS", drawings},
                                   {"TABLES", tables + origin_html(model, options)}});
  return framed_page(parts, options);
}

std::vector<Run> kept_runs(std::span<const Run> runs, std::vector<std::string>& notes) {
  std::vector<const Run*> all;
  for (const Run& run : runs) all.push_back(&run);
  std::vector<Run> kept;
  for (const Run* run : comparable(all, notes)) kept.push_back(*run);
  return kept;
}

}  // namespace

Report make_report(std::span<const Run> runs, const ReportOptions& options) {
  ReportOptions noted = options;
  const std::vector<Run> kept = kept_runs(runs, noted.notes);
  ReportModel model = report_model(kept);
  const std::vector<DrawnChart> charts = drawn_charts(model);
  const std::vector<Verdicts> verdicts = verdicts_of(model);
  Report report{
      .page = page(model, charts, verdicts, noted),
      .figures = {},
      .verdicts = verdicts_markdown(model, verdicts) + sweeps_markdown(model)};
  for (const DrawnChart& drawn : charts) {
    report.figures.push_back({drawn.name, to_svg(drawn.chart, ChartUse::alone)});
  }
  return report;
}

}  // namespace batchlab
