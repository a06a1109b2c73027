// SPDX-License-Identifier: MIT
//
// Performance profiles over the experiments of a report: in how many a controller needs
// at most tau times the examples of the best, by medians over seeds.
#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "results/performance_profile.hpp"
#include "results/report/parts.hpp"
#include "results/report_text.hpp"

namespace batchlab {
namespace {

constexpr double kGreatestRatio = 4;
constexpr std::size_t kPoints = 301;

// The place of a label among the rows of a comparison.
std::optional<std::size_t> place_of(const Comparison& comparison,
                                    const std::string& label) {
  for (std::size_t i = 0; i < comparison.rows.size(); ++i) {
    if (comparison.rows[i].controller == label) return i;
  }
  return std::nullopt;
}

// Comparisons that have a target.
std::vector<std::size_t> workloads_of(const ReportModel& model) {
  std::vector<std::size_t> places;
  for (std::size_t i = 0; i < model.comparisons.size(); ++i) {
    if (target_of(model, i)) places.push_back(i);
  }
  return places;
}

std::vector<std::string> common_labels(const ReportModel& model,
                                       const std::vector<std::size_t>& places) {
  std::vector<std::string> labels;
  for (const ComparisonRow& row : model.comparisons[places.front()].rows) {
    const bool everywhere = std::all_of(places.begin(), places.end(), [&](auto place) {
      return place_of(model.comparisons[place], row.controller).has_value();
    });
    if (everywhere) labels.push_back(row.controller);
  }
  return labels;
}

// Infinite where there is no median: the controller has no run that is over.
WorkloadTimes times_of(const ReportModel& model, std::size_t place,
                       const std::vector<std::string>& labels) {
  const Comparison& comparison = model.comparisons[place];
  WorkloadTimes times{.workload = comparison.specification, .times = {}};
  for (const std::string& label : labels) {
    const auto runs = runs_of(model, place, *place_of(comparison, label));
    times.times.push_back(
        time_to_target(runs, *target_of(model, place))
            .examples.median.value_or(std::numeric_limits<double>::infinity()));
  }
  return times;
}

ChartLine line_of(const PerformanceProfile& profile, const std::string& label,
                  std::size_t style) {
  ChartLine line{
      .label = label, .style = style, .x = {}, .y = {}, .kind = ChartLine::Kind::steps};
  for (std::size_t i = 0; i < kPoints; ++i) {
    const double part = static_cast<double>(i) / (kPoints - 1);
    line.x.push_back(1 + part * (kGreatestRatio - 1));
    line.y.push_back(profile.share(line.x.back()));
  }
  return line;
}

}  // namespace

void add_profiles(const ReportModel& model, std::vector<DrawnChart>& charts) {
  const auto places = workloads_of(model);
  if (places.size() < 2) return;
  const auto labels = common_labels(model, places);
  if (labels.size() < 2) return;
  std::vector<WorkloadTimes> workloads;
  for (const std::size_t place : places) {
    workloads.push_back(times_of(model, place, labels));
  }
  const auto profiles = performance_profiles(workloads, kGreatestRatio);
  Chart chart{.title = "Share of experiments within a factor of the best",
              .x_label = "examples to the target, over those of the best controller",
              .y_label = "share of experiments",
              .from_zero_y = true,
              .lines = {}};
  std::string words = fmt::format(
      "Over {} experiments, by median examples to the target. Score (1: the best "
      "everywhere): ",
      places.size());
  for (std::size_t i = 0; i < labels.size(); ++i) {
    chart.lines.push_back(line_of(profiles[i], labels[i], i));
    words +=
        fmt::format("{} {}; ", clean_text(labels[i]), figure_text(profiles[i].score));
  }
  charts.push_back({.name = "performance-profile",
                    .in_page = true,
                    .section = "Performance profiles",
                    .words = words,
                    .chart = std::move(chart)});
}

}  // namespace batchlab
