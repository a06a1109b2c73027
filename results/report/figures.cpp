// SPDX-License-Identifier: MIT
//
// The figures of a report as charts: curves of every run, and what it took each run to
// its target.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "controllers/error.hpp"
#include "results/report/parts.hpp"
#include "results/report_text.hpp"

namespace batchlab {
namespace {

struct Curve {
  const char* column;
  const char* title;
  const char* series;  // null: the split that the comparison reports
  bool steps, logarithmic;
};

constexpr Curve kCurves[] = {
    {"batch_size", "Batch size", "steps", true, true},
    {"learning_rate", "Learning rate", "steps", true, false},
    {"noise_scale", "Noise scale, with its interval", "steps", false, true},
    {"loss", "Loss", nullptr, false, false},
    {"accuracy", "Accuracy", nullptr, false, false},
};

const std::vector<double>* column(const Series& series, const std::string& name) {
  const auto found = std::find(series.names.begin(), series.names.end(), name);
  if (found == series.names.end()) return nullptr;
  return &series.columns[static_cast<std::size_t>(found - series.names.begin())];
}

// The curve of one run, and the band around it where its ends were logged.
void add_run(const ReportModel& model, const ReportRun& run, const Curve& curve,
             std::size_t most, Chart& chart) {
  const Comparison& comparison = model.comparisons[run.comparison];
  const Series* found =
      run.find(curve.series == nullptr ? comparison.split : curve.series);
  if (found == nullptr) return;
  const Series series = thinned(*found, most);
  const std::vector<double>* values = column(series, curve.column);
  if (values == nullptr) return;
  const auto* low = column(series, std::string(curve.column) + "_low");
  const auto* high = column(series, std::string(curve.column) + "_high");
  if (low != nullptr && high != nullptr) {
    chart.lines.push_back({.label = "",
                           .style = run.controller,
                           .x = series.examples,
                           .y = *low,
                           .kind = ChartLine::Kind::band,
                           .high = *high});
  }
  chart.lines.push_back(
      {.label = comparison.rows[run.controller].controller,
       .style = run.controller,
       .x = series.examples,
       .y = *values,
       .kind = curve.steps ? ChartLine::Kind::steps : ChartLine::Kind::line});
}

class Figures {
 public:
  Figures(const ReportModel& model, std::size_t place, std::vector<DrawnChart>& charts)
      : model_(model),
        charts_(charts),
        place_(place),
        comparison_(model.comparisons[place]),
        name_(clean_text(comparison_.specification, 60)) {
    prefix_ = file_part(comparison_.specification);
    if (model.comparisons.size() > 1)
      prefix_ = fmt::format("{}-{}", place + 1, prefix_);
  }

  void curves() {
    for (const Curve& curve : kCurves) add(curve);
  }
  void times() {
    const auto target = target_of(model_, place_);
    if (!target) return;
    for (const TargetMeasure& measure : kTargetMeasures) add(*target, measure);
  }
  void trade_off() { add_trade_off(model_, place_, prefix_, charts_); }
  void throughput() { add_throughput(model_, place_, name_, prefix_, charts_); }

 private:
  void add(const Curve& curve) {
    Chart chart{.title = fmt::format("{}: {}", name_, curve.title),
                .x_label = "examples seen",
                .y_label = curve.title,
                .log_y = curve.logarithmic,
                .from_zero_x = true,
                .lines = {}};
    const std::size_t most =
        std::max<std::size_t>(20, 60000 / std::max<std::size_t>(1, model_.runs.size()));
    for (const ReportRun& run : model_.runs) {
      if (run.comparison == place_) add_run(model_, run, curve, most, chart);
    }
    if (chart.lines.empty()) return;
    charts_.push_back({.name = fmt::format("{}-{}", prefix_, curve.column),
                       .in_page = false,
                       .section = "",
                       .words = "",
                       .chart = std::move(chart)});
  }

  // A point for each run that arrived, in the row of its controller.
  void add(const Target& target, const TargetMeasure& measure) {
    Chart chart{
        .title = fmt::format("{}: {} to {}", name_, measure.name, target.text()),
        .x_label = std::string(measure.name) + ", a mark per run, a bar at the median",
        .y_label = "",
        .from_zero_x = true,
        .lines = {}};
    std::string words;
    bool any = false;
    for (std::size_t i = 0; i < comparison_.rows.size(); ++i) {
      const auto times = time_to_target(runs_of(model_, place_, i), target);
      ChartLine line{.label = comparison_.rows[i].controller,
                     .style = i,
                     .x = {},
                     .y = {},
                     .kind = ChartLine::Kind::points};
      for (const RunToTarget& run : times.runs) {
        if (!run.reached) continue;
        line.x.push_back((*run.reached).*measure.value);
        line.y.push_back(static_cast<double>(i) + offset(line.x.size()));
      }
      const CensoredSummary& summary = times.*measure.summary;
      words += fmt::format("{}: {} of {} runs arrived{}; ", line.label, line.x.size(),
                           times.runs.size(), median_words(summary));
      chart.categories.push_back(category(line.label, summary));
      any = any || !line.x.empty();
      chart.lines.push_back(std::move(line));
      // After the marks, which would hide it.
      if (summary.median && std::isfinite(*summary.median)) {
        const auto row = static_cast<double>(i);
        chart.lines.push_back({.label = comparison_.rows[i].controller,
                               .style = 0,
                               .x = {*summary.median, *summary.median},
                               .y = {row - 0.38, row + 0.38},
                               .kind = ChartLine::Kind::rule});
      }
    }
    if (!any) return;
    charts_.push_back({.name = fmt::format("{}-{}-to-target", prefix_, measure.name),
                       .in_page = true,
                       .section = "Time to target",
                       .words = words,
                       .chart = std::move(chart)});
  }

  // Above and below the row in turn, so that equal figures are seen as two.
  static double offset(std::size_t number) {
    return 0.12 * static_cast<double>(number % 5) - 0.24;
  }

  static std::string median_words(const CensoredSummary& summary) {
    if (!summary.median) return "";
    return std::isinf(*summary.median) ? ", median: never"
                                       : ", median " + figure_text(*summary.median);
  }

  static std::string category(const std::string& label,
                              const CensoredSummary& summary) {
    if (summary.never == 0) return label;
    return fmt::format("{} ({} never)", clean_text(label, 18), summary.never);
  }

  const ReportModel& model_;
  std::vector<DrawnChart>& charts_;
  std::size_t place_;
  const Comparison& comparison_;
  std::string name_, prefix_;
};

}  // namespace

std::vector<DrawnChart> drawn_charts(ReportModel& model) {
  std::vector<DrawnChart> all;
  const auto unless_refused = [&](auto draw) {
    try {
      draw();
    } catch (const Error& error) {
      model.notes.push_back(fmt::format("not drawn: {}", error.what()));
    }
  };
  for (std::size_t i = 0; i < model.comparisons.size(); ++i) {
    unless_refused([&] { Figures(model, i, all).curves(); });
    unless_refused([&] { Figures(model, i, all).times(); });
    unless_refused([&] { Figures(model, i, all).trade_off(); });
    unless_refused([&] { Figures(model, i, all).throughput(); });
  }
  unless_refused([&] { add_profiles(model, all); });
  std::erase_if(all, [](const DrawnChart& one) { return !drawable(one.chart); });
  return all;
}

}  // namespace batchlab
