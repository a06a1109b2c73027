// SPDX-License-Identifier: MIT
//
// A comparison for people: the same three tables, aligned for a terminal or as
// Markdown. Updates, examples and seconds stand side by side; accuracy is a fraction
// everywhere.

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "controllers/error.hpp"
#include "results/comparison.hpp"

namespace batchlab {
namespace {

constexpr std::size_t kColumns = 120;
constexpr std::size_t kLongestText = 1000;
constexpr const char* kGap = "  ";

// The first row is the header, the first column holds labels.
using Grid = std::vector<std::vector<std::string>>;
using Format = std::string (*)(double);

// 1234567.4 as 1,234,567.
std::string with_commas(double value) {
  std::string digits = fmt::format("{:.0f}", value);
  const std::size_t first = digits.starts_with('-') ? 1 : 0;
  for (std::size_t at = digits.size(); at > first + 3;) digits.insert(at -= 3, 1, ',');
  return digits;
}

std::string fraction(double value) {
  return std::abs(value) < 1000 ? fmt::format("{:.4f}", value)
                                : fmt::format("{:.3e}", value);
}

std::string seconds(double value) {
  if (value < 100) return fmt::format("{:.2f}", value);
  return value < 10000 ? fmt::format("{:.1f}", value) : with_commas(value);
}

std::string microseconds(double value) {
  return value < 10 ? fmt::format("{:#.2g}", value) : with_commas(value);
}

std::string mean(const Summary& summary, Format format) {
  return summary.mean ? format(*summary.mean) : "-";
}

std::string mean_and_deviation(const Summary& summary, Format format) {
  if (!summary.standard_deviation) return mean(summary, format);
  return format(*summary.mean) + " ± " + format(*summary.standard_deviation);
}

std::string interval(const Summary& summary, Format format) {
  if (!summary.interval_low) return "-";
  return format(*summary.interval_low) + " to " + format(*summary.interval_high);
}

std::string part(std::size_t some, std::size_t all) {
  return fmt::format("{} of {}", some, all);
}

Grid final_figures(const Comparison& comparison) {
  Grid grid = {
      {"controller", "runs", "accuracy", "95 % interval", "loss", "95 % interval"}};
  for (const ComparisonRow& row : comparison.rows) {
    grid.push_back(
        {row.controller,
         row.finished == row.runs ? std::to_string(row.runs)
                                  : part(row.finished, row.runs),
         mean_and_deviation(row.accuracy, fraction), interval(row.accuracy, fraction),
         mean_and_deviation(row.loss, fraction), interval(row.loss, fraction)});
  }
  return grid;
}

// A last column only where something was measured: older runs have nothing to show.
Grid costs(const Comparison& comparison) {
  const bool decisions = std::any_of(
      comparison.rows.begin(), comparison.rows.end(),
      [](const ComparisonRow& row) { return row.microseconds_per_decision.mean; });
  Grid grid = {{"controller", "updates", "examples", "seconds", "examples/s"}};
  if (decisions) grid.front().emplace_back("µs/decision");
  for (const ComparisonRow& row : comparison.rows) {
    grid.push_back({row.controller, mean_and_deviation(row.updates, with_commas),
                    mean(row.examples, with_commas),
                    mean_and_deviation(row.training_seconds, seconds),
                    mean_and_deviation(row.examples_per_second, with_commas)});
    if (decisions) {
      grid.back().push_back(mean(row.microseconds_per_decision, microseconds));
    }
  }
  return grid;
}

Grid figures_to_target(const Comparison& comparison) {
  Grid grid = {{"controller", "reached", "updates", "examples", "seconds"}};
  for (const ComparisonRow& row : comparison.rows) {
    grid.push_back({row.controller,
                    part(row.reached, row.finished - row.target_unknown),
                    mean_and_deviation(row.updates_to_target, with_commas),
                    mean_and_deviation(row.examples_to_target, with_commas),
                    mean_and_deviation(row.seconds_to_target, seconds)});
  }
  return grid;
}

std::string title(const Comparison& comparison) {
  const std::string split = comparison.split.empty() ? "no" : comparison.split;
  return fmt::format(
      "{}: last {} accuracy and loss, mean (± standard deviation) over "
      "seeds",
      comparison.specification, split);
}

// Troubles, then notes, a sentence each.
std::vector<std::string> remarks(const Comparison& comparison) {
  std::vector<std::string> lines = troubles(comparison);
  lines.insert(lines.end(), comparison.notes.begin(), comparison.notes.end());
  const bool missed =
      std::any_of(comparison.rows.begin(), comparison.rows.end(),
                  [](const ComparisonRow& row) { return row.reached < row.finished; });
  if (comparison.target && missed) {
    lines.emplace_back("means to the target are of the runs that reached it");
  }
  return lines;
}

// Data from disk as one line without escape sequences.
std::string one_line(std::string text) {
  std::replace_if(
      text.begin(), text.end(),
      [](char letter) { return letter == '\n' || letter == '\r' || letter == '\t'; },
      ' ');
  return printable(text, kLongestText);
}

// Whether a byte of UTF-8 continues a character.
bool continues(char byte) { return (static_cast<unsigned char>(byte) & 0xC0) == 0x80; }

// Terminal columns: code points, for UTF-8.
std::size_t width(std::string_view text) {
  return text.size() -
         static_cast<std::size_t>(std::count_if(text.begin(), text.end(), continues));
}

std::string spaces(std::size_t filled, std::size_t wanted) {
  return std::string(wanted - std::min(filled, wanted), ' ');
}

std::vector<std::size_t> column_widths(const Grid& grid) {
  std::vector<std::size_t> widths(grid.front().size());
  for (const auto& row : grid) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      widths[i] = std::max(widths[i], width(row[i]));
    }
  }
  // Labels get what the figures leave; longer ones stand on a line of their own.
  std::size_t figures_width = 0;
  for (std::size_t i = 1; i < widths.size(); ++i) figures_width += widths[i] + 2;
  const std::size_t left = kColumns - std::min(figures_width, kColumns);
  widths[0] = std::min(widths[0], std::max(left, width(grid.front()[0])));
  return widths;
}

// The last end of a character at or before `end`.
std::size_t cut(std::string_view text, std::size_t end) {
  while (end > 1 && continues(text[end])) --end;
  return end;
}

// Breaks between words, so that lines after the first are indented by `indent`; a word
// longer than a line is cut.
std::string wrapped(std::string_view text, std::size_t indent) {
  std::string lines;
  std::size_t room = kColumns - indent;
  while (text.size() > room) {
    std::size_t end = text.rfind(' ', room);
    if (end == text.npos || end == 0) end = cut(text, room);
    lines.append(text.substr(0, end)).append("\n").append(indent, ' ');
    text.remove_prefix(end);
    if (text.starts_with(' ')) text.remove_prefix(1);
  }
  return lines.append(text) + '\n';
}

std::string aligned(Grid grid) {
  for (auto& row : grid) row[0] = one_line(row[0]);
  const auto widths = column_widths(grid);
  std::string text;
  for (const auto& row : grid) {
    const bool fits = width(row[0]) <= widths[0];
    if (!fits) text += wrapped(row[0], 2);
    text += fits ? row[0] + spaces(width(row[0]), widths[0]) : spaces(0, widths[0]);
    for (std::size_t i = 1; i < row.size(); ++i) {
      text += kGap + spaces(width(row[i]), widths[i]) + row[i];
    }
    text += '\n';
  }
  return text;
}

// What Markdown or a table would take for its own is escaped.
std::string markdown(const std::string& text) {
  std::string escaped;
  for (const char letter : one_line(text)) {
    if (std::string_view("\\|`*[<").find(letter) != std::string_view::npos) {
      escaped.push_back('\\');
    }
    escaped.push_back(letter);
  }
  return escaped;
}

std::string markdown_table(const Grid& grid) {
  std::string text;
  for (const auto& row : grid) {
    for (const auto& cell : row) text += "| " + markdown(cell) + ' ';
    text += "|\n";
    if (&row != &grid.front()) continue;
    text += "|---|";
    for (std::size_t i = 1; i < row.size(); ++i) text += "---:|";
    text += '\n';
  }
  return text;
}

}  // namespace

std::string to_text(const Comparison& comparison) {
  std::string text = wrapped(one_line(title(comparison)), 2) + '\n';
  text += aligned(final_figures(comparison)) + '\n' + aligned(costs(comparison));
  if (comparison.target) {
    text += '\n' + wrapped("to the target " + one_line(*comparison.target), 2);
    text += aligned(figures_to_target(comparison));
  }
  const auto lines = remarks(comparison);
  if (!lines.empty()) text += '\n';
  for (const auto& line : lines) text += wrapped("- " + one_line(line), 2);
  return text;
}

std::string to_markdown(const Comparison& comparison) {
  std::string text = markdown(title(comparison)) + "\n\n";
  text += markdown_table(final_figures(comparison)) + '\n';
  text += markdown_table(costs(comparison));
  if (comparison.target) {
    text += "\nTo the target " + markdown(*comparison.target) + ":\n\n";
    text += markdown_table(figures_to_target(comparison));
  }
  const auto lines = remarks(comparison);
  if (!lines.empty()) text += '\n';
  for (const auto& line : lines) text += "- " + markdown(line) + '\n';
  return text;
}

}  // namespace batchlab
