// SPDX-License-Identifier: MIT
//
// Updates against examples to the target, with the law fitted to them.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "controllers/error.hpp"
#include "results/report/parts.hpp"
#include "results/report_text.hpp"
#include "results/trade_off.hpp"

namespace batchlab {
namespace {

constexpr std::size_t kCurvePoints = 60;
constexpr std::size_t kMostNames = 15;  // of points, beside them

std::string end_text(double value) {
  return std::isinf(value) || value == 0 ? std::string("open") : figure_text(value);
}

std::string interval_text(const FittedValue& fitted) {
  return fmt::format("{} to {}", end_text(fitted.interval.low),
                     end_text(fitted.interval.high));
}

std::string trade_off_words(const TradeOff& all,
                            const std::vector<SweepFigure>& figures) {
  std::string words;
  for (const TradeOffPoint& point : all.points) {
    words += fmt::format("Batch size {}: {} of {} runs arrived; ",
                         figure_text(point.batch_size), point.runs - point.never,
                         point.runs);
  }
  for (const SweepFigure& one : figures) {
    if (!one.fitted) continue;
    words +=
        fmt::format("{}: {} {}", one.name, figure_text(one.fitted->value), one.unit);
    if (one.has_interval)
      words += fmt::format(" (95 % interval {})", interval_text(*one.fitted));
    words += "; ";
  }
  return words;
}

// "Mean noise scale: of the log of 2 runs ..."
std::string noise_scale_note(const std::optional<MeanNoiseScale>& mean) {
  if (!mean) {
    return "The noise scale was not measured: no run of the sweep that reached the "
           "target logged it (statistics.measure)";
  }
  return fmt::format(
      "The mean noise scale is that of the logged steps up to the target of {} run{}, "
      "each step weighted with its examples; {} % of the examples had a value",
      mean->runs, mean->runs == 1 ? "" : "s", figure_text(100 * mean->share));
}

// "fewest updates, Smin", "100", "90 to 110", "updates"
std::array<std::string, 4> cells_of(const SweepFigure& one) {
  const bool interval = one.fitted && one.has_interval;
  const std::string absent = one.has_interval ? "–" : "not measured";
  return {one.name, one.fitted ? figure_text(one.fitted->value) : absent,
          interval ? interval_text(*one.fitted) : "–", one.unit};
}

constexpr std::array kFigureHeads = {"figure", "value", "95 % interval", "unit"};

// A sweep of constant batch sizes among the runs of a comparison.
struct ReportSweep {
  std::string title;
  std::vector<SweepRun> runs;
  TradeOff law;
  std::vector<SweepFigure> figures;
  std::vector<std::string> notes;
};

// Absent where there is none that reached the target.
std::optional<ReportSweep> sweep_of(const ReportModel& model, std::size_t place) {
  const auto target = target_of(model, place);
  if (!target) return std::nullopt;
  const ConstantSweep sweep = constant_sweep(runs_of(model, place), *target);
  const bool any =
      std::any_of(sweep.runs.begin(), sweep.runs.end(),
                  [](const auto& run) { return std::isfinite(run.steps); });
  TradeOff law = trade_off(sweep.runs);
  if (law.points.size() < 2 || !any) return std::nullopt;
  const auto noise_scale = mean_noise_scale(sweep);
  std::vector<std::string> notes = sweep.notes;
  notes.insert(notes.end(), law.notes.begin(), law.notes.end());
  notes.push_back(noise_scale_note(noise_scale));
  auto figures = sweep_figures(law, noise_scale);
  return ReportSweep{
      fmt::format("Trade-off of updates and examples to {}: {}", target->text(),
                  clean_text(model.comparisons[place].specification, 60)),
      sweep.runs, std::move(law), std::move(figures), std::move(notes)};
}

std::string trade_off_table(const ReportSweep& sweep) {
  HtmlTable table(sweep.title, {kFigureHeads.begin(), kFigureHeads.end()});
  for (const SweepFigure& one : sweep.figures) {
    const auto cells = cells_of(one);
    table.row({cells.begin(), cells.end()});
  }
  return table.html();
}

// The law over the batch sizes that are in its fit; nothing where the best fit is one
// of its limits.
ChartLine law(const TradeOff& all) {
  ChartLine line{.label = "fitted law", .style = 1, .x = {}, .y = {}};
  if (!all.fit) return line;
  const double steps = all.fit->minimum_steps.value;
  const double critical = all.fit->critical_batch_size.value;
  if (!(steps > 0) || !(critical > 0) || std::isinf(critical)) return line;
  double low = 0, high = 0;
  for (const TradeOffPoint& point : all.points) {
    if (!point.used) continue;
    if (low == 0) low = point.batch_size;
    high = point.batch_size;
  }
  for (std::size_t i = 0; i <= kCurvePoints; ++i) {
    const double part = static_cast<double>(i) / kCurvePoints;
    const double batch_size = low * std::pow(high / low, part);
    line.x.push_back(steps * (1 + critical / batch_size));
    line.y.push_back(line.x.back() * batch_size);
  }
  return line;
}

// A point a run, each with its batch size; of many runs only the slowest of each.
ChartLine points_of(const std::vector<SweepRun>& sweep) {
  ChartLine line{
      .label = "a run", .style = 0, .x = {}, .y = {}, .kind = ChartLine::Kind::points};
  std::map<double, std::size_t> slowest;
  for (const SweepRun& run : sweep) {
    if (std::isinf(run.steps)) continue;
    const auto [place, first] = slowest.emplace(run.batch_size, line.x.size());
    if (!first && line.x[place->second] < run.steps) place->second = line.x.size();
    line.x.push_back(run.steps);
    line.y.push_back(run.steps * run.batch_size);
    line.names.push_back("B = " + figure_text(run.batch_size));
  }
  if (line.x.size() <= kMostNames) return line;
  std::vector<std::string> names(line.names.size());
  for (const auto& [batch_size, place] : slowest) names[place] = line.names[place];
  line.names = std::move(names);
  return line;
}

}  // namespace

void add_trade_off(const ReportModel& model, std::size_t place,
                   const std::string& prefix, std::vector<DrawnChart>& charts) {
  const auto sweep = sweep_of(model, place);
  if (!sweep) return;
  charts.push_back({.name = prefix + "-trade-off",
                    .in_page = true,
                    .section = "Updates against examples: constant batch sizes",
                    .words = trade_off_words(sweep->law, sweep->figures),
                    .chart = {.title = sweep->title,
                              .x_label = "updates to the target",
                              .y_label = "examples to the target",
                              .log_x = true,
                              .log_y = true,
                              .lines = {points_of(sweep->runs), law(sweep->law)}},
                    .below = trade_off_table(*sweep) + notes_html(sweep->notes)});
}

std::string sweeps_markdown(const ReportModel& model) {
  std::string text;
  for (std::size_t place = 0; place < model.comparisons.size(); ++place) {
    std::optional<ReportSweep> sweep;
    try {
      sweep = sweep_of(model, place);
    } catch (const Error&) {  // told as "not drawn"
    }
    if (!sweep) continue;
    text +=
        fmt::format("\n## {}\n\n| {} |\n|---|---:|---:|---|\n",
                    markdown_text(sweep->title, 300), fmt::join(kFigureHeads, " | "));
    for (const SweepFigure& one : sweep->figures) {
      text += fmt::format("| {} |\n", fmt::join(cells_of(one), " | "));
    }
    text += '\n';
    for (const std::string& note : sweep->notes) {
      text += "- " + markdown_text(note, 900) + '\n';
    }
  }
  return text;
}

}  // namespace batchlab
