// SPDX-License-Identifier: MIT
//
// The time of a step against its batch size, and where the time of runs went.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "results/report/parts.hpp"
#include "results/report_text.hpp"
#include "results/step_time_fit.hpp"

namespace batchlab {
namespace {

constexpr std::size_t kCurvePoints = 60;

std::vector<std::string> times_cells(const std::string& head, const StepTimes& times) {
  std::vector<std::string> cells = {head, std::to_string(times.points.size())};
  if (times.line && times.points.size() > 2) {  // else a note says why not
    for (const double figure :
         {1e6 * times.line->a_seconds, 1e6 * times.line->b_seconds_per_example,
          times.line->r_squared, 100 * times.line->residual_root_mean_square,
          100 * times.line->largest_residual}) {
      cells.push_back(figure_text(figure));
    }
  } else {
    cells.insert(cells.end(), 5, "–");
  }
  const std::string remarks = fmt::format("{}", fmt::join(times.notes, "; "));
  cells.push_back("<span class=\"text\">" + isolated(remarks, 900) + "</span>");
  return cells;
}

std::string times_table(const std::string& name, const AllStepTimes& all) {
  HtmlTable table(
      name + ": time of a step a + b B, fitted to the median of each batch size B",
      {"run", "batch sizes", "a, microseconds a step", "b, microseconds an example",
       "R squared", "residuals, root mean square, %", "largest residual, %",
       "what the fit cannot tell"});
  table.row(times_cells("all runs together", all.together));
  std::size_t of_one_size = 0;
  for (const auto& [run, times] : all.runs) {
    if (times.points.size() < 2) {
      ++of_one_size;
      continue;
    }
    table.row(times_cells(
        fmt::format("{}, seed {}", isolated(run->controller()), run->seed()), times));
  }
  if (of_one_size == 0) return table.html();
  return table.html() +
         fmt::format(
             "<p class=\"words\">Of {} run{} with fewer than 2 batch sizes there "
             "is no line.</p>\n",
             of_one_size, of_one_size == 1 ? "" : "s");
}

// Seconds by kind, over the runs of a controller that are over.
struct Spent {
  std::map<std::string, double> seconds;
  double sum = 0;
  std::size_t runs = 0;
};

Spent spent_by(const ReportModel& model, std::size_t place, std::size_t controller,
               std::set<std::string>& not_told) {
  Spent spent;
  for (const Run* run : runs_of(model, place, controller)) {
    if (!is_over(*run)) continue;
    const TimeShares shares = time_shares(*run);
    ++spent.runs;
    for (const TimeShare& share : shares.told) {
      spent.seconds[share.name] += share.seconds;
      spent.sum += share.seconds;
    }
    not_told.insert(shares.not_told.begin(), shares.not_told.end());
  }
  return spent;
}

std::string spent_cell(const Spent& spent, const std::string& kind) {
  const auto found = spent.seconds.find(kind);
  if (found == spent.seconds.end() || !(spent.sum > 0)) return "–";
  return fmt::format("{:.2g} % ({} s)", 100 * found->second / spent.sum,
                     figure_text(found->second));
}

// Those that any controller spent time on.
std::vector<std::string> kinds_of(const std::vector<Spent>& all) {
  std::vector<std::string> kinds;
  for (const char* kind : kTimeKinds) {
    const bool any = std::any_of(all.begin(), all.end(), [&](const Spent& one) {
      return one.seconds.contains(kind);
    });
    if (any) kinds.emplace_back(kind);
  }
  return kinds;
}

// A row a controller: where the time of its runs went.
std::string shares_table(const ReportModel& model, std::size_t place,
                         const std::string& name) {
  std::set<std::string> not_told;
  std::vector<Spent> all;
  const auto& rows = model.comparisons[place].rows;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    all.push_back(spent_by(model, place, i, not_told));
  }
  const std::vector<std::string> kinds = kinds_of(all);
  if (kinds.empty()) return "";
  std::vector<std::string> heads = {"controller", "runs"};
  heads.insert(heads.end(), kinds.begin(), kinds.end());
  HtmlTable table(name + ": where the time went, over the runs of a controller", heads);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    std::vector<std::string> cells = {isolated(rows[i].controller),
                                      std::to_string(all[i].runs)};
    for (const std::string& kind : kinds) cells.push_back(spent_cell(all[i], kind));
    table.row(cells);
  }
  std::string html = table.html();
  if (not_told.empty()) return html;
  html += "<p class=\"words\">Not told apart:</p>\n";
  return html + notes_html({not_told.begin(), not_told.end()});
}

// The fit over the batch sizes measured, through `figure` of batch size and seconds.
template <class Figure>
ChartLine fitted(const StepTimes& times, const char* label, Figure figure) {
  ChartLine line{.label = label, .style = 1, .x = {}, .y = {}};
  if (!times.line || times.points.empty()) return line;
  const double low = times.points.front().batch_size;
  const double high = times.points.back().batch_size;
  for (std::size_t i = 0; i <= kCurvePoints; ++i) {
    const double part = static_cast<double>(i) / kCurvePoints;
    const double batch_size = low * std::pow(high / low, part);
    const double seconds = times.line->at(batch_size);
    line.x.push_back(batch_size);
    line.y.push_back(seconds > 0 ? figure(batch_size, seconds) : std::nan(""));
  }
  return line;
}

template <class Figure>
ChartLine measured(const StepTimes& times, Figure figure) {
  ChartLine points{.label = "measured",
                   .style = 0,
                   .x = {},
                   .y = {},
                   .kind = ChartLine::Kind::points};
  for (const StepTimePoint& point : times.points) {
    points.x.push_back(point.batch_size);
    points.y.push_back(figure(point.batch_size, point.step_seconds));
  }
  return points;
}

std::string step_time_words(const StepTimes& times) {
  std::string words =
      "Medians over the logged intervals of one batch size, of all runs";
  for (const StepTimePoint& point : times.points) {
    words += fmt::format("; {} microseconds at batch size {}",
                         figure_text(1e6 * point.step_seconds),
                         figure_text(point.batch_size));
  }
  if (!times.line) return words + ".";
  return words + fmt::format(". The line: {} + {} x batch size.",
                             figure_text(1e6 * times.line->a_seconds),
                             figure_text(1e6 * times.line->b_seconds_per_example));
}

std::string throughput_words(const StepTimes& times) {
  const auto rate = [](const StepTimePoint& point) {
    return fmt::format("{} examples a second at batch size {}",
                       figure_text(point.examples_per_second),
                       figure_text(point.batch_size));
  };
  const auto fastest =
      std::max_element(times.points.begin(), times.points.end(),
                       [](const auto& left, const auto& right) {
                         return left.examples_per_second < right.examples_per_second;
                       });
  return fmt::format(
      "Medians over the logged intervals of one batch size, of all runs: from {} to "
      "{}; "
      "most: {}.",
      rate(times.points.front()), rate(times.points.back()), rate(*fastest));
}

}  // namespace

void add_throughput(const ReportModel& model, std::size_t place,
                    const std::string& name, const std::string& prefix,
                    std::vector<DrawnChart>& charts) {
  const AllStepTimes all = all_step_times(runs_of(model, place));
  const StepTimes& times = all.together;
  if (times.points.empty()) return;
  const auto rate = [](double batch_size, double seconds) {
    return batch_size / seconds;
  };
  const auto microseconds = [](double, double seconds) { return 1e6 * seconds; };
  charts.push_back({.name = prefix + "-throughput",
                    .in_page = true,
                    .section = "Throughput",
                    .words = throughput_words(times),
                    .chart = {.title = "Examples per second of training: " + name,
                              .x_label = "batch size",
                              .y_label = "examples per second",
                              .log_x = true,
                              .from_zero_y = true,
                              .lines = {measured(times, rate),
                                        fitted(times, "1 / (a / B + b)", rate)}}});
  charts.push_back(
      {.name = prefix + "-step-time",
       .in_page = true,
       .section = "Throughput",
       .words = step_time_words(times),
       .chart = {.title = "Time of a training step: " + name,
                 .x_label = "batch size",
                 .y_label = "microseconds a step",
                 .log_x = true,
                 .log_y = true,
                 .lines = {measured(times, microseconds),
                           fitted(times, "a + b B", microseconds)}},
       .below = times_table(name, all) + shares_table(model, place, name)});
}

}  // namespace batchlab
