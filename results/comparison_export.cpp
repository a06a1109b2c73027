// SPDX-License-Identifier: MIT
//
// A comparison for machines: CSV and JSON, every figure in full.

#include <fmt/format.h>

#include <cmath>

#include "controllers/error.hpp"
#include "results/comparison.hpp"

namespace batchlab {
namespace {

using nlohmann::json;

constexpr std::size_t kLongestText = 1000;

struct Figure {
  const char* name;
  Summary ComparisonRow::*summary;
};

constexpr Figure kFigures[] = {
    {"accuracy", &ComparisonRow::accuracy},
    {"loss", &ComparisonRow::loss},
    {"updates", &ComparisonRow::updates},
    {"examples", &ComparisonRow::examples},
    {"training_seconds", &ComparisonRow::training_seconds},
    {"examples_per_second", &ComparisonRow::examples_per_second},
    {"microseconds_per_decision", &ComparisonRow::microseconds_per_decision},
    {"data_seconds", &ComparisonRow::data_seconds},
    {"statistics_seconds", &ComparisonRow::statistics_seconds},
    {"controller_seconds", &ComparisonRow::controller_seconds},
    {"evaluation_seconds", &ComparisonRow::evaluation_seconds},
    {"examples_to_target", &ComparisonRow::examples_to_target},
    {"updates_to_target", &ComparisonRow::updates_to_target},
    {"seconds_to_target", &ComparisonRow::seconds_to_target},
};

struct Part {
  const char* name;
  std::optional<double> Summary::*value;
};

constexpr Part kParts[] = {
    {"mean", &Summary::mean},
    {"median", &Summary::median},
    {"interquartile_mean", &Summary::interquartile_mean},
    {"standard_deviation", &Summary::standard_deviation},
    {"interval_low", &Summary::interval_low},
    {"interval_high", &Summary::interval_high},
    {"bootstrap_low", &Summary::bootstrap_low},
    {"bootstrap_high", &Summary::bootstrap_high},
};

std::string csv_header() {
  std::string line = "specification,split,target,controller,runs,finished,reached";
  for (const Figure& figure : kFigures) {
    for (const Part& part : kParts)
      line += fmt::format(",{}_{}", figure.name, part.name);
  }
  return line + ",troubles,verdict\n";
}

std::string text_cell(const std::string& text) {
  return csv_cell(printable(text, kLongestText));
}

// Of the difference to the best mean.
std::string verdict(const Comparison& comparison, const std::string& controller) {
  for (const PairwiseComparison& one : comparison.differences) {
    if (one.label == controller) return comparison.differences_of + ": " + one.verdict;
    if (one.reference == controller) return comparison.differences_of + ": best mean";
  }
  return "";
}

std::string csv_row(const Comparison& comparison, const ComparisonRow& row) {
  std::string line = fmt::format(
      "{},{},{},{},{},{},{}", text_cell(comparison.specification),
      text_cell(comparison.split), text_cell(comparison.target.value_or("")),
      text_cell(row.controller), row.runs, row.finished, row.reached);
  for (const Figure& figure : kFigures) {
    for (const Part& part : kParts) {
      const std::optional<double> value = row.*figure.summary.*part.value;
      line += value ? fmt::format(",{}", *value) : ",";
    }
  }
  std::string troubles;
  for (const std::string& trouble : row.troubles) {
    troubles += (troubles.empty() ? "" : "; ") + trouble;
  }
  return line + ',' + text_cell(troubles) + ',' +
         text_cell(verdict(comparison, row.controller)) + '\n';
}

// JSON has no infinity: a median of runs that never reached the target is "inf".
json number_or_inf(const std::optional<double>& number) {
  if (!number) return {};
  return std::isinf(*number) ? json("inf") : json(*number);
}

json nested(const Summary& summary) {
  json value = {{"count", summary.count}};
  for (const Part& part : kParts) {
    value[part.name] = number_or_inf(summary.*part.value);
  }
  return value;
}

json nested(const std::optional<Interval>& interval) {
  return interval ? json({interval->low, interval->high}) : json();
}

json nested(const PairwiseComparison& one) {
  return {{"controller", one.label},
          {"against", one.reference},
          {"resolved", one.resolved},
          {"obstacle", one.obstacle},
          {"verdict", one.verdict},
          {"paired", one.paired},
          {"difference", one.difference},
          {"difference_interval", nested(one.interval)},
          {"interval", nested(one.own_interval)},
          {"against_interval", nested(one.reference_interval)},
          {"p", one.p},
          {"corrected_p", one.corrected_p}};
}

json nested(const ComparisonRow& row) {
  json value = {{"controller", row.controller},
                {"runs", row.runs},
                {"finished", row.finished},
                {"reached", row.reached},
                {"troubles", row.troubles}};
  for (const Figure& figure : kFigures)
    value[figure.name] = nested(row.*figure.summary);
  return value;
}

}  // namespace

std::string to_csv(std::span<const Comparison> comparisons) {
  std::string text = csv_header();
  for (const Comparison& comparison : comparisons) {
    for (const ComparisonRow& row : comparison.rows) text += csv_row(comparison, row);
  }
  return text;
}

nlohmann::json to_json(std::span<const Comparison> comparisons) {
  json all = json::array();
  for (const Comparison& comparison : comparisons) {
    json rows = json::array();
    for (const ComparisonRow& row : comparison.rows) rows.push_back(nested(row));
    json differences = json::array();
    for (const auto& one : comparison.differences) differences.push_back(nested(one));
    all.push_back({{"specification", comparison.specification},
                   {"split", comparison.split},
                   {"target", comparison.target ? json(*comparison.target) : json()},
                   {"rows", std::move(rows)},
                   {"differences_of", comparison.differences_of},
                   {"differences", std::move(differences)},
                   {"trade_off", comparison.trade_off},
                   {"notes", comparison.notes}});
  }
  return all;
}

}  // namespace batchlab
