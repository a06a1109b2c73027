// SPDX-License-Identifier: MIT
//
//     time of a step = a + b B,   examples per second = B / (a + b B)
//
// drawn between the least and the greatest batch size measured.
#include <fmt/format.h>

#include <cmath>

#include "results/bench_parts.hpp"
#include "results/report_text.hpp"

namespace batchlab {
namespace {

constexpr std::size_t kCurvePoints = 60;

// What is drawn of a measured step, and of the time that a fit tells.
struct BenchFigure {
  const char* name;  // of its file
  const char* section;
  const char* title;
  const char* y_label;
  double (*of)(double batch_size, double step_seconds);
};

constexpr BenchFigure kFigures[] = {
    {"step-time", "Time of a step", "time of a training step", "microseconds",
     [](double, double seconds) { return 1e6 * seconds; }},
    {"throughput", "Throughput", "examples per second of training",
     "examples per second",
     [](double batch_size, double seconds) { return batch_size / seconds; }},
};

// The thread counts in the order of the rows; their places are the styles of lines.
std::vector<std::size_t> thread_counts(const BenchedNetwork& network) {
  std::vector<std::size_t> counts;
  for (const BenchRow& row : network.rows) {
    if (counts.empty() || counts.back() != row.threads) counts.push_back(row.threads);
  }
  return counts;
}

// The medians, and a stroke from the fastest to the slowest repeat through each.
void add_measured(const BenchedNetwork& network, const BenchFigure& figure,
                  std::size_t threads, std::size_t style, Chart& chart) {
  ChartLine medians{.label = threads_text(threads) + ": median",
                    .style = style,
                    .x = {},
                    .y = {},
                    .kind = ChartLine::Kind::points};
  for (const BenchRow& row : network.rows) {
    if (row.threads != threads) continue;
    const auto batch_size = static_cast<double>(row.batch_size);
    medians.x.push_back(batch_size);
    medians.y.push_back(figure.of(batch_size, row.step_seconds));
    chart.lines.push_back({.label = "",
                           .style = style,
                           .x = {batch_size, batch_size},
                           .y = {figure.of(batch_size, row.step_seconds_min),
                                 figure.of(batch_size, row.step_seconds_max)}});
  }
  chart.lines.push_back(std::move(medians));
}

void add_fitted(const BenchedNetwork& network, const BenchFigure& figure,
                const StepTimeFit& fit, std::size_t style, Chart& chart) {
  double low = INFINITY, high = 0;
  for (const BenchRow& row : network.rows) {
    if (row.threads != fit.threads) continue;
    low = std::min(low, static_cast<double>(row.batch_size));
    high = std::max(high, static_cast<double>(row.batch_size));
  }
  ChartLine line{.label = threads_text(fit.threads) + ": a + b B",
                 .style = style,
                 .x = {},
                 .y = {}};
  for (std::size_t i = 0; i <= kCurvePoints; ++i) {
    const double part = static_cast<double>(i) / kCurvePoints;
    const double batch_size = low * std::pow(high / low, part);
    const double seconds = fit.a_seconds + fit.b_seconds_per_example * batch_size;
    line.x.push_back(batch_size);
    line.y.push_back(seconds > 0 ? figure.of(batch_size, seconds) : NAN);
  }
  chart.lines.push_back(std::move(line));
}

std::string words_of(const BenchedNetwork& network, const BenchFigure& figure) {
  std::string words;
  for (const std::size_t threads : thread_counts(network)) {
    words += threads_text(threads) + ": ";
    for (const BenchRow& row : network.rows) {
      if (row.threads != threads) continue;
      const auto batch_size = static_cast<double>(row.batch_size);
      words += fmt::format("{} at batch size {}, ",
                           figure_text(figure.of(batch_size, row.step_seconds)),
                           figure_text(batch_size));
    }
    words += std::string(figure.y_label) + "; ";
  }
  for (const StepTimeFit& fit : network.fits) {
    words += fmt::format("a step with {} takes {}; ", threads_text(fit.threads),
                         fit_text(fit));
  }
  return words;
}

DrawnChart drawn(const BenchedNetwork& network, const BenchFigure& figure) {
  Chart chart{
      .title = fmt::format("{}: {}", clean_text(network.name, 60), figure.title),
      .x_label = "batch size; a stroke from fastest to slowest repeat",
      .y_label = figure.y_label,
      .log_x = true,
      .log_y = true,
      .lines = {}};
  const auto counts = thread_counts(network);
  for (std::size_t style = 0; style < counts.size(); ++style) {
    add_measured(network, figure, counts[style], style, chart);
    for (const StepTimeFit& fit : network.fits) {
      if (fit.threads == counts[style]) add_fitted(network, figure, fit, style, chart);
    }
  }
  return {.name = fmt::format("{}-{}", file_part(network.name), figure.name),
          .in_page = true,
          .section = figure.section,
          .words = words_of(network, figure),
          .chart = std::move(chart)};
}

}  // namespace

std::string threads_text(std::size_t threads) {
  return fmt::format("{} thread{}", threads, threads == 1 ? "" : "s");
}

std::string fit_text(const StepTimeFit& fit) {
  return fmt::format("{:.1f} us + {:.3f} us x batch size, within {:.0f} %",
                     1e6 * fit.a_seconds, 1e6 * fit.b_seconds_per_example,
                     100 * fit.largest_residual);
}

void add_bench_charts(const BenchedNetwork& network, std::vector<DrawnChart>& charts) {
  for (const BenchFigure& figure : kFigures) charts.push_back(drawn(network, figure));
}

}  // namespace batchlab
