// SPDX-License-Identifier: MIT
//
// One page that loads nothing: styles, scripts and data are in it, and its policy lets
// run only those that it came with, by their SHA-256.
#include <fmt/format.h>

#include <map>

#include "controllers/error.hpp"
#include "report_assets.hpp"
#include "results/report.hpp"
#include "results/report_parts.hpp"
#include "results/report_text.hpp"
#include "results/sha256.hpp"

namespace batchlab {
namespace {

constexpr std::size_t kMostBytes = 5'000'000;  // of data; the rest is less than 1 MB
constexpr std::size_t kFewestPoints = 20;

// What the scripts see of each other, nobody else does.
std::string script() {
  return fmt::format("(() => {{\n'use strict';\n{}}})();\n", report_assets::scripts);
}

// Where a debugger would look for the source: nothing is to be looked for.
std::string without_source_map(std::string_view text) {
  for (const std::string_view mark : {"//# sourceMappingURL", "/*# sourceMappingURL"}) {
    text = text.substr(0, text.find(mark));
  }
  return std::string(text);
}

std::string policy(const std::string& style, const std::vector<std::string>& scripts) {
  std::string sources;
  for (const std::string& one : scripts) {
    sources += fmt::format(" '{}'", sha256_source(one));
  }
  return fmt::format(
      "default-src 'none'; script-src{}; style-src '{}'; img-src data:; base-uri "
      "'none'; form-action 'none'",
      sources, sha256_source(style));
}

// Fewer points of each curve until they fit.
std::string fitted_data(ReportModel& model) {
  std::string data = report_data(model);
  while (data.size() > kMostBytes && model.most_points > kFewestPoints) {
    const double share = 0.9 * static_cast<double>(kMostBytes) / double(data.size());
    const auto fewer = static_cast<std::size_t>(double(model.most_points) * share);
    model.thin(std::max(kFewestPoints, fewer));
    data = report_data(model);
  }
  return data;
}

// "@NAME@" by its value; values are not looked at again.
std::string filled(std::string_view page,
                   const std::map<std::string, std::string>& values) {
  std::string text;
  while (true) {
    const std::size_t begin = page.find('@');
    if (begin == page.npos) return text.append(page);
    const std::size_t end = page.find('@', begin + 1);
    text.append(page.substr(0, begin));
    text += values.at(std::string(page.substr(begin + 1, end - begin - 1)));
    page.remove_prefix(end + 1);
  }
}

std::string made_line(const ReportOptions& options) {
  const std::string line = fmt::format(
      "Made by {} at {}.", markup_text(options.made_by), markup_text(options.made_at));
  if (!options.refresh_seconds) return line;
  return fmt::format(
      "<span class=\"live\">Live</span>: runs are going on, and the page loads itself "
      "anew every {} s. {}",
      *options.refresh_seconds, line);
}

std::string drawings_html(const std::vector<DrawnChart>& charts) {
  std::string html, section;
  for (const DrawnChart& drawn : charts) {
    if (!drawn.in_page) continue;
    if (drawn.section != section) {
      html += fmt::format("{}<section><h2>{}</h2>\n",
                          section.empty() ? "" : "</section>\n", drawn.section);
      section = drawn.section;
    }
    html += fmt::format(
        "<div class=\"drawing\">{}<details><summary class=\"words\">in words</summary>"
        "<p class=\"words\">{}</p></details></div>\n",
        to_svg(drawn.chart, ChartUse::in_page), isolated(drawn.words, 4000));
  }
  return section.empty() ? "" : html + "</section>\n";
}

// What the page is made of, and what was left out of it.
std::string origin_html(const ReportModel& model, const ReportOptions& options) {
  std::string html = "<section id=\"origin\"><h2>How this page was made</h2>\n<pre>" +
                     markup_text(options.command, 4000) + "</pre>\n";
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
                 const ReportOptions& options) {
  const std::string style = without_source_map(report_assets::library_style) +
                            std::string(report_assets::style);
  const std::string library = without_source_map(report_assets::library);
  const std::string refresh =
      options.refresh_seconds
          ? fmt::format(
                "<meta name=\"refresh\" content=\"{0}\">\n<noscript><meta "
                "http-equiv=\"refresh\" content=\"{0}\"></noscript>\n",
                *options.refresh_seconds)
          : "";
  const std::string data = fitted_data(model);
  return filled(report_assets::page,
                {{"POLICY", policy(style, {library, script()})},
                 {"REFRESH", refresh},
                 {"TITLE", markup_text(options.title)},
                 {"HEADING", isolated(options.title)},
                 {"STYLE", style},
                 {"MADE", made_line(options)},
                 {"SUMMARY", summary_html(model, options.notes)},
                 {"FIGURES", figures_html(model)},
                 {"DRAWINGS", drawings_html(charts)},
                 {"TABLES", tables_html(model) + origin_html(model, options)},
                 {"DATA", data},
                 {"LIBRARY", library},
                 {"SCRIPT", script()}});
}

// The runs without those whose figures no statistic takes, such as seconds that are no
// number; why these were left out is added to `notes`.
std::vector<Run> comparable(std::span<const Run> runs,
                            std::vector<std::string>& notes) {
  std::vector<Run> kept;
  for (const Run& run : runs) {
    try {
      static_cast<void>(compare({&run, 1}));
      kept.push_back(run);
    } catch (const Error& error) {
      notes.push_back(
          fmt::format("left out: {}: {}", run.folder.string(), error.what()));
    }
  }
  return kept;
}

}  // namespace

Report make_report(std::span<const Run> runs, const ReportOptions& options) {
  ReportOptions noted = options;
  const std::vector<Run> kept = comparable(runs, noted.notes);
  ReportModel model = report_model(kept);
  const std::vector<DrawnChart> charts = drawn_charts(model);
  Report report{.page = page(model, charts, noted), .figures = {}};
  for (const DrawnChart& drawn : charts) {
    report.figures.push_back({drawn.name, to_svg(drawn.chart, ChartUse::alone)});
  }
  return report;
}

}  // namespace batchlab
