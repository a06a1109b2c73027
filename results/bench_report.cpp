// SPDX-License-Identifier: MIT
//
// What it holds in order: the answer, the figures, the environment, the command.
#include "results/bench_report.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "results/bench_parts.hpp"
#include "results/report/frame.hpp"
#include "results/report_text.hpp"

namespace batchlab {
namespace {

using nlohmann::json;
using Rows = std::vector<std::vector<std::string>>;

const std::vector<std::string> kRowHeads = {
    "threads",    "batch size", "step, median us", "fastest us",
    "slowest us", "examples/s", "peak memory MB"};
const std::vector<std::string> kFitHeads = {"threads", "a: us a step",
                                            "b: us an example", "largest residual %"};

Rows rows_of(const BenchedNetwork& network) {
  Rows rows;
  for (const BenchRow& row : network.rows) {
    rows.push_back(
        {std::to_string(row.threads), figure_text(static_cast<double>(row.batch_size)),
         figure_text(1e6 * row.step_seconds), figure_text(1e6 * row.step_seconds_min),
         figure_text(1e6 * row.step_seconds_max), figure_text(row.examples_per_second),
         figure_text(1e-6 * static_cast<double>(row.peak_memory_bytes))});
  }
  return rows;
}

Rows fits_of(const BenchedNetwork& network) {
  Rows rows;
  for (const StepTimeFit& fit : network.fits) {
    rows.push_back({std::to_string(fit.threads), figure_text(1e6 * fit.a_seconds),
                    figure_text(1e6 * fit.b_seconds_per_example),
                    figure_text(100 * fit.largest_residual)});
  }
  return rows;
}

// "four-families: dense 128 relu, ...; the same as keras-generators"
std::string title_of(const BenchedNetwork& network) {
  std::string title = network.name + ": " + network.description;
  if (!network.others.empty()) {
    title += fmt::format("; the same in {}", fmt::join(network.others, ", "));
  }
  return title;
}

// The greatest rate of all batch sizes and threads.
std::string fastest_text(const BenchedNetwork& network) {
  const auto best = std::max_element(
      network.rows.begin(), network.rows.end(), [](const auto& a, const auto& b) {
        return a.examples_per_second < b.examples_per_second;
      });
  if (best == network.rows.end()) return "nothing measured";
  return fmt::format("{} examples per second at most, at batch size {} with {}",
                     figure_text(best->examples_per_second),
                     figure_text(static_cast<double>(best->batch_size)),
                     threads_text(best->threads));
}

std::string method_text(const BenchResult& result) {
  return fmt::format(
      "A step is data, forward, backward, update and decision. After {} steps to warm "
      "up, and a half repeat to count the steps of one: {} repeats of about {} s each, "
      "every batch size in a process of its own. The line a + b B is fitted to the "
      "medians by least squares of the relative errors. Peak memory is of that "
      "process, "
      "data included.",
      result.warm_up_steps, result.repeats, figure_text(result.repeat_seconds));
}

std::string value_text(const json& value) {
  if (!value.is_string()) return value.dump();
  return value.get<std::string>().empty() ? "-" : value.get<std::string>();
}

std::string list_html(const std::vector<std::string>& notes) {
  if (notes.empty()) return "";
  std::string html =
      "<div class=\"caution\"><strong>Before you believe it</strong><ul>\n";
  for (const std::string& note : notes) {
    html += "<li>" + isolated(note, 600) + "</li>\n";
  }
  return html + "</ul></div>\n";
}

std::string summary_html(const BenchResult& result,
                         const std::vector<std::string>& notes) {
  std::string html = "<section id=\"summary\"><h2>Summary</h2>\n" + list_html(notes) +
                     "<ul class=\"answer\">\n";
  for (const BenchedNetwork& network : result.networks) {
    html += fmt::format("<li>{}: <strong>{}</strong>", isolated(network.name),
                        fastest_text(network));
    for (const StepTimeFit& fit : network.fits) {
      html += fmt::format("<br>{}: {}", threads_text(fit.threads), fit_text(fit));
    }
    html += "</li>\n";
  }
  return html + "</ul>\n<p>" + method_text(result) + "</p></section>\n";
}

std::string table_html(const std::string& caption,
                       const std::vector<std::string>& heads, const Rows& rows) {
  HtmlTable table(caption, heads);
  for (const auto& row : rows) table.row(row);
  return rows.empty() ? "" : table.html();
}

std::string tables_html(const BenchResult& result) {
  std::string html = "<section id=\"figures\"><h2>Every figure</h2>\n";
  for (const BenchedNetwork& network : result.networks) {
    html += table_html(title_of(network), kRowHeads, rows_of(network));
    html += table_html(network.name + ": time of a step = a + b x batch size",
                       kFitHeads, fits_of(network));
  }
  return html + "</section>\n";
}

std::string environment_html(const BenchResult& result) {
  HtmlTable table("Measured on", {"key", "value"});
  for (const auto& [key, value] : result.environment.items()) {
    table.row({isolated(key),
               "<span class=\"text\">" + isolated(value_text(value), 400) + "</span>"});
  }
  return "<section id=\"measured-on\"><h2>Environment</h2>\n" + table.html() +
         "</section>\n";
}

std::vector<std::string> all_notes(const BenchResult& result,
                                   const ReportOptions& options) {
  std::vector<std::string> notes = options.notes;
  notes.insert(notes.end(), result.notes.begin(), result.notes.end());
  return notes;
}

std::string markdown_table(const std::vector<std::string>& heads, const Rows& rows) {
  if (rows.empty()) return "";
  std::string text = fmt::format("| {} |\n|", fmt::join(heads, " | "));
  for (std::size_t i = 0; i < heads.size(); ++i) text += "---:|";
  text += '\n';
  for (const auto& row : rows) text += fmt::format("| {} |\n", fmt::join(row, " | "));
  return text + '\n';
}

}  // namespace

Report make_bench_report(const BenchResult& result, const ReportOptions& options) {
  std::vector<DrawnChart> charts;
  for (const BenchedNetwork& network : result.networks) {
    add_bench_charts(network, charts);
  }
  // The charts of one kind under one heading.
  std::stable_sort(charts.begin(), charts.end(), [](const auto& a, const auto& b) {
    return a.section > b.section;  // time before throughput
  });
  const std::string main = summary_html(result, all_notes(result, options)) +
                           "<div id=\"charts\">\n" + drawings_html(charts) +
                           "</div>\n" + tables_html(result) + environment_html(result) +
                           "<section id=\"origin\">" + command_html(options) +
                           "</section>\n";
  Report report{.page = framed_page({.main = main}, options), .figures = {}};
  for (const DrawnChart& one : charts) {
    report.figures.push_back({one.name, to_svg(one.chart, ChartUse::alone)});
  }
  return report;
}

std::string to_markdown(const BenchResult& result, const ReportOptions& options) {
  std::string text = "Made by `" + options.command + "`, " + options.made_by + ", " +
                     options.made_at + ".\n\n" +
                     markdown_text(method_text(result), 1000) + "\n\n";
  for (const std::string& note : all_notes(result, options)) {
    text += "- " + markdown_text(note, 600) + '\n';
  }
  for (const BenchedNetwork& network : result.networks) {
    text += "\n## " + markdown_text(network.name) + "\n\n" +
            markdown_text(title_of(network), 600) + ": " + fastest_text(network) +
            ".\n\n";
    text += markdown_table(kRowHeads, rows_of(network));
    text += markdown_table(kFitHeads, fits_of(network));
  }
  text += "## Measured on\n\n| key | value |\n|---|---|\n";
  for (const auto& [key, value] : result.environment.items()) {
    text += fmt::format("| {} | {} |\n", markdown_text(key),
                        markdown_text(value_text(value), 400));
  }
  return text;
}

json to_json(const BenchResult& result) {
  json all{{"environment", result.environment},
           {"notes", result.notes},
           {"warm_up_steps", result.warm_up_steps},
           {"repeats", result.repeats},
           {"repeat_seconds", result.repeat_seconds},
           {"networks", json::array()},
           {"rows", json::array()},
           {"fits", json::array()}};
  for (const BenchedNetwork& network : result.networks) {
    all["networks"].push_back({{"specification", network.name},
                               {"description", network.description},
                               {"others", network.others}});
    for (const BenchRow& row : network.rows) {
      all["rows"].push_back({{"specification", network.name},
                             {"batch_size", row.batch_size},
                             {"threads", row.threads},
                             {"step_seconds", row.step_seconds},
                             {"step_seconds_min", row.step_seconds_min},
                             {"step_seconds_max", row.step_seconds_max},
                             {"examples_per_second", row.examples_per_second},
                             {"peak_memory_bytes", row.peak_memory_bytes}});
    }
    for (const StepTimeFit& fit : network.fits) {
      all["fits"].push_back({{"specification", network.name},
                             {"threads", fit.threads},
                             {"a_seconds", fit.a_seconds},
                             {"b_seconds_per_example", fit.b_seconds_per_example},
                             {"largest_residual", fit.largest_residual}});
    }
  }
  return all;
}

}  // namespace batchlab
