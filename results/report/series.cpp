// SPDX-License-Identifier: MIT
//
// Thinning keeps the extremes of every stretch: the eye sees the same band of values at
// any width of the chart.
#include "results/report/series.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <set>

#include "controllers/error.hpp"
#include "results/report_text.hpp"

namespace batchlab {
namespace {

constexpr double kMissing = std::numeric_limits<double>::quiet_NaN();
constexpr std::size_t kMostColumns = 40;  // of a file of who knows where from

// Columns of steps.csv that say where a row stands, or little.
const std::set<std::string, std::less<>> kPlaces = {
    "step", "examples_seen", "training_seconds", "epoch", "epochs_completed"};

double number(const std::string& text) {
  double value = 0;
  const char* end = text.data() + text.size();
  const auto [stop, problem] = std::from_chars(text.data(), end, value);
  return stop == end && problem == std::errc() ? value : kMissing;
}

std::vector<double> column(const Table& table, std::string_view name) {
  const auto index = table.column(name);
  std::vector<double> values(table.rows.size(), kMissing);
  for (std::size_t i = 0; index && i < values.size(); ++i) {
    values[i] = number(table.rows[i][*index]);
  }
  return values;
}

void keep_extremes(const std::vector<double>& values, std::size_t begin,
                   std::size_t end, std::set<std::size_t>& kept) {
  std::size_t least = end, greatest = end;
  for (std::size_t i = begin; i < end; ++i) {
    if (std::isnan(values[i])) continue;
    if (least == end || values[i] < values[least]) least = i;
    if (greatest == end || values[i] > values[greatest]) greatest = i;
  }
  if (least == end) return;
  kept.insert({least, greatest});
}

std::set<std::size_t> extremes(const std::vector<std::vector<double>>& columns,
                               std::size_t rows, std::size_t stretches) {
  std::set<std::size_t> kept = {0, rows - 1};
  for (std::size_t i = 0; i < stretches; ++i) {
    const std::size_t begin = i * rows / stretches, end = (i + 1) * rows / stretches;
    kept.insert(begin);
    for (const auto& values : columns) keep_extremes(values, begin, end, kept);
  }
  return kept;
}

std::vector<double> picked(const std::vector<double>& values,
                           const std::vector<std::size_t>& rows) {
  std::vector<double> kept;
  kept.reserve(rows.size());
  for (const std::size_t row : rows) kept.push_back(values[row]);
  return kept;
}

bool any_number(const std::vector<double>& values) {
  return std::any_of(values.begin(), values.end(),
                     [](double value) { return !std::isnan(value); });
}

// Infinite values say something; a chart cannot show them.
void note_infinite(const Series& series, std::vector<std::string>& notes) {
  for (std::size_t i = 0; i < series.columns.size(); ++i) {
    const auto count = std::count_if(series.columns[i].begin(), series.columns[i].end(),
                                     [](double value) { return std::isinf(value); });
    if (count == 0) continue;
    notes.push_back(fmt::format("{}: {} infinite values of {} are not drawn",
                                series.name, count, clean_text(series.names[i])));
  }
}

Series steps(const Run& run, std::vector<std::string>& notes) {
  const Table table = read_csv(run.folder / "steps.csv");
  if (table.torn) notes.emplace_back("steps.csv: a torn last line was dropped");
  Series series{.name = "steps",
                .examples = column(table, "examples_seen"),
                .updates = column(table, "step"),
                .seconds = column(table, "training_seconds"),
                .names = {},
                .columns = {},
                .rows_read = table.rows.size()};
  for (const std::string& name : table.columns) {
    if (kPlaces.contains(name) || series.names.size() == kMostColumns) continue;
    std::vector<double> values = column(table, name);
    if (!any_number(values)) continue;
    series.names.push_back(name);
    series.columns.push_back(std::move(values));
  }
  for (const std::string& name : kPlaces) {
    if (!table.column(name))
      notes.push_back(fmt::format("steps.csv has no column {}", name));
  }
  return series;
}

Series evaluations(const Run& run, const std::string& split) {
  Series series{.name = split,
                .examples = {},
                .updates = {},
                .seconds = {},
                .names = {"loss", "accuracy", "training_loss"},
                .columns = std::vector<std::vector<double>>(3),
                .rows_read = 0};
  for (const Evaluation& evaluation : run.evaluations) {
    if (evaluation.split != split) continue;
    series.examples.push_back(static_cast<double>(evaluation.examples_seen));
    series.updates.push_back(static_cast<double>(evaluation.step));
    series.seconds.push_back(evaluation.training_seconds);
    series.columns[0].push_back(evaluation.loss);
    series.columns[1].push_back(evaluation.accuracy);
    series.columns[2].push_back(evaluation.training_loss.value_or(kMissing));
    ++series.rows_read;
  }
  return series;
}

}  // namespace

std::vector<std::size_t> kept_rows(const std::vector<std::vector<double>>& columns,
                                   std::size_t rows, std::size_t most) {
  std::set<std::size_t> kept;
  if (rows <= most) {
    for (std::size_t i = 0; i < rows; ++i) kept.insert(kept.end(), i);
    return {kept.begin(), kept.end()};
  }
  for (std::size_t stretches = std::max<std::size_t>(1, most / 2);;) {
    kept = extremes(columns, rows, stretches);
    if (kept.size() <= most || stretches == 1) break;
    stretches = std::max<std::size_t>(1, stretches * most / (kept.size() + 1));
  }
  return {kept.begin(), kept.end()};
}

Series thinned(const Series& series, std::size_t most) {
  const std::size_t rows = series.examples.size();
  if (rows <= most) return series;
  const auto kept = kept_rows(series.columns, rows, most);
  Series thin{.name = series.name,
              .examples = picked(series.examples, kept),
              .updates = picked(series.updates, kept),
              .seconds = picked(series.seconds, kept),
              .names = series.names,
              .columns = {},
              .rows_read = series.rows_read};
  for (const auto& values : series.columns)
    thin.columns.push_back(picked(values, kept));
  return thin;
}

std::vector<Series> run_series(const Run& run, std::size_t most,
                               std::vector<std::string>& notes) {
  std::vector<Series> all;
  const auto add = [&](const Series& series) {
    note_infinite(series, notes);
    all.push_back(thinned(series, most));
  };
  try {
    add(steps(run, notes));
  } catch (const Error& error) {
    notes.push_back(fmt::format("left out: {}", error.what()));
  }
  std::vector<std::string> splits;
  for (const Evaluation& evaluation : run.evaluations) {
    if (std::find(splits.begin(), splits.end(), evaluation.split) == splits.end()) {
      splits.push_back(evaluation.split);
    }
  }
  splits.resize(std::min<std::size_t>(splits.size(), 6));
  for (const std::string& split : splits) add(evaluations(run, split));
  return all;
}

}  // namespace batchlab
