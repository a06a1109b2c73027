// SPDX-License-Identifier: MIT
//
// Figures that need more than one batch size: updates against examples to the target,
// with the law fitted to them, and the time of a step.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "controllers/error.hpp"
#include "results/report_parts.hpp"
#include "results/report_text.hpp"
#include "results/step_time_fit.hpp"
#include "results/trade_off.hpp"

namespace batchlab {
namespace {

constexpr std::size_t kCurvePoints = 60;

std::vector<const Run*> all_runs(const ReportModel& model, std::size_t comparison) {
  std::vector<const Run*> runs;
  for (const ReportRun& run : model.runs) {
    if (run.comparison == comparison) runs.push_back(run.run);
  }
  return runs;
}

std::string interval_text(const FittedValue& fitted) {
  const auto end = [](double value) {
    return std::isinf(value) || value == 0 ? std::string("open") : figure_text(value);
  };
  return fmt::format("{} (95 % interval {} to {})", figure_text(fitted.value),
                     end(fitted.interval.low), end(fitted.interval.high));
}

std::string trade_off_words(const TradeOff& all) {
  std::string words;
  for (const TradeOffPoint& point : all.points) {
    words += fmt::format("Batch size {}: {} of {} runs arrived; ",
                         figure_text(point.batch_size), point.runs - point.never,
                         point.runs);
  }
  if (all.fit) {
    words +=
        fmt::format("critical batch size {}, fewest updates {}, fewest examples {}. ",
                    interval_text(all.fit->critical_batch_size),
                    interval_text(all.fit->minimum_steps),
                    interval_text(all.fit->minimum_examples));
  }
  for (const std::string& note : all.notes) words += note + ". ";
  return words;
}

// The law between the least and the greatest batch size of the sweep; nothing where the
// best fit is one of its limits.
ChartLine law(const TradeOff& all) {
  ChartLine line{.label = "fitted law", .style = 1, .x = {}, .y = {}};
  if (!all.fit) return line;
  const double steps = all.fit->minimum_steps.value;
  const double critical = all.fit->critical_batch_size.value;
  if (!(steps > 0) || !(critical > 0) || std::isinf(critical)) return line;
  const double low = all.points.front().batch_size, high = all.points.back().batch_size;
  for (std::size_t i = 0; i <= kCurvePoints; ++i) {
    const double part = static_cast<double>(i) / kCurvePoints;
    const double batch_size = low * std::pow(high / low, part);
    line.x.push_back(steps * (1 + critical / batch_size));
    line.y.push_back(line.x.back() * batch_size);
  }
  return line;
}

}  // namespace

void add_trade_off(const ReportModel& model, std::size_t place, const std::string& name,
                   const std::string& prefix, std::vector<DrawnChart>& charts) {
  const auto target = target_of(model, place);
  if (!target) return;
  const auto sweep = constant_sweep(all_runs(model, place), *target);
  const TradeOff all = trade_off(sweep);
  if (all.points.size() < 2) return;
  ChartLine runs{
      .label = "a run", .style = 0, .x = {}, .y = {}, .kind = ChartLine::Kind::points};
  for (const SweepRun& run : sweep) {
    if (std::isinf(run.steps)) continue;
    runs.x.push_back(run.steps);
    runs.y.push_back(run.steps * run.batch_size);
  }
  if (runs.x.empty()) return;
  charts.push_back({.name = prefix + "-trade-off",
                    .in_page = true,
                    .section = "Updates against examples: constant batch sizes",
                    .words = trade_off_words(all),
                    .chart = {.title = fmt::format("{}: to {}", name, target->text()),
                              .x_label = "updates to the target",
                              .y_label = "examples to the target",
                              .log_x = true,
                              .log_y = true,
                              .lines = {std::move(runs), law(all)}}});
}

namespace {

// Of all runs that can be read; those of other machines are told by the notes of the
// comparison.
StepTimes times_of(const ReportModel& model, std::size_t place) {
  std::vector<std::vector<LoggedStep>> logs;
  for (const Run* run : all_runs(model, place)) {
    try {
      logs.push_back(read_steps(run->folder));
    } catch (const Error&) {  // told where its curves were read
    }
  }
  return step_times(logs);
}

ChartLine fitted_rate(const StepTimes& times) {
  ChartLine line{.label = "1 / (a / B + b)", .style = 1, .x = {}, .y = {}};
  if (!times.line || times.points.empty()) return line;
  const double low = times.points.front().batch_size;
  const double high = times.points.back().batch_size;
  for (std::size_t i = 0; i <= kCurvePoints; ++i) {
    const double part = static_cast<double>(i) / kCurvePoints;
    const double batch_size = low * std::pow(high / low, part);
    const double seconds =
        times.line->a_seconds + times.line->b_seconds_per_example * batch_size;
    line.x.push_back(batch_size);
    line.y.push_back(seconds > 0 ? batch_size / seconds : std::nan(""));
  }
  return line;
}

std::string throughput_words(const StepTimes& times) {
  std::string words =
      "Medians over the logged intervals of one batch size, of all runs. ";
  if (times.line) {
    words += fmt::format(
        "A step takes a + b B: a = {} ms, b = {} microseconds an example; R squared "
        "{}, "
        "largest residual {} %. ",
        figure_text(1e3 * times.line->a_seconds),
        figure_text(1e6 * times.line->b_seconds_per_example),
        figure_text(times.line->r_squared),
        figure_text(100 * times.line->largest_residual));
  }
  for (const std::string& note : times.notes) words += note + ". ";
  return words;
}

}  // namespace

void add_throughput(const ReportModel& model, std::size_t place,
                    const std::string& name, const std::string& prefix,
                    std::vector<DrawnChart>& charts) {
  const StepTimes times = times_of(model, place);
  if (times.points.empty()) return;
  ChartLine points{.label = "measured",
                   .style = 0,
                   .x = {},
                   .y = {},
                   .kind = ChartLine::Kind::points};
  for (const StepTimePoint& point : times.points) {
    points.x.push_back(point.batch_size);
    points.y.push_back(point.examples_per_second);
  }
  charts.push_back({.name = prefix + "-throughput",
                    .in_page = true,
                    .section = "Throughput",
                    .words = throughput_words(times),
                    .chart = {.title = name + ": examples per second of training",
                              .x_label = "batch size",
                              .y_label = "examples per second",
                              .log_x = true,
                              .from_zero_y = true,
                              .lines = {std::move(points), fitted_rate(times)}}});
}

}  // namespace batchlab
