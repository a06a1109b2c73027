// SPDX-License-Identifier: MIT
//
// With u = log Bcrit and a = log Smin, log S = a + f(u), f = log(1 + e^u / B). For a
// given u the best a is the mean of log S - f; what is left is one minimisation over u.
// The region {sum of squares <= limit} has, at u, a half width in a of
// h(u) = sqrt((limit - R(u)) / n), R: the sum of squares at the best a. So the profile
// interval of a + c u (c = 0: Smin, c = 1: Emin) runs from the least of a(u) + c u - h
// to the greatest of a(u) + c u + h.

#include "results/trade_off.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include "controllers/error.hpp"

namespace batchlab {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
// How far beyond the sweep Bcrit is looked for: there S follows one of its two limits
// to within e^-14, below any noise, so that more would change nothing.
constexpr double kBeyond = 14;
constexpr int kGrid = 64;
constexpr std::size_t kFewestBatchSizes = 3;

// Runs of one batch size: log B, their number, the mean of log S.
struct Cell {
  double log_batch_size = 0, count = 0, mean = 0;
};

// The least of `function` in [low, high], by a grid, then golden sections.
template <class Function>
double argmin(Function function, double low, double high) {
  const double step = (high - low) / kGrid;
  double best = low, best_value = function(low);
  for (int i = 1; i <= kGrid; ++i) {
    const double value = function(low + i * step);
    if (value < best_value) best = low + i * step, best_value = value;
  }
  double left = std::max(low, best - step), right = std::min(high, best + step);
  const double golden = (std::sqrt(5.0) - 1) / 2;
  while (right - left > 1e-10 * (1 + std::abs(left))) {
    const double a = right - golden * (right - left);
    const double b = left + golden * (right - left);
    if (function(a) <= function(b)) {
      right = b;
    } else {
      left = a;
    }
  }
  const double middle = (left + right) / 2;
  return function(middle) <= best_value ? middle : best;
}

// Where `function` crosses 0 between `inside`, where it is not above, and `outside`.
template <class Function>
double crossing(Function function, double inside, double outside) {
  for (int i = 0; i < 50; ++i) {
    const double middle = (inside + outside) / 2;
    (function(middle) <= 0 ? inside : outside) = middle;
  }
  return inside;
}

class Law {
 public:
  Law(std::vector<Cell> cells, double within)
      : cells_(std::move(cells)), within_(within) {
    for (const Cell& cell : cells_) count_ += cell.count;
    low_ = cells_.front().log_batch_size - kBeyond;
    high_ = cells_.back().log_batch_size + kBeyond;
    best_ = argmin([&](double u) { return at(u).squares; }, low_, high_);
  }

  [[nodiscard]] double fitted_steps(double batch_size) const {
    return std::exp(at(best_).mean + term({std::log(batch_size), 0, 0}, best_));
  }

  [[nodiscard]] TradeOffFit fit() const {
    const Point best = at(best_);
    const double degrees = count_ - 2;
    const double t = student_quantile(0.975, degrees);
    const double limit = best.squares * (1 + t * t / degrees);
    const Interval region = {end(limit, low_), end(limit, high_)};
    const Interval critical = {region.low == low_ ? -kInfinity : region.low,
                               region.high == high_ ? kInfinity : region.high};
    const double part = std::log(0.2);
    TradeOffFit fit;
    fit.critical_batch_size = exponential(best_, critical);
    fit.overhead_20_batch_size =
        exponential(best_ + part, {critical.low + part, critical.high + part});
    Interval steps = profile(0, limit, region), examples = profile(1, limit, region);
    if (critical.high == kInfinity) steps.low = -kInfinity;
    if (critical.low == -kInfinity) examples.low = -kInfinity;
    fit.minimum_steps = exponential(best.mean, steps);
    fit.minimum_examples = exponential(best.mean + best_, examples);
    fit.residual_deviation = std::sqrt(best.squares / degrees);
    take_limits(fit);
    return fit;
  }

 private:
  struct Point {
    double mean = 0;     // the best log Smin
    double squares = 0;  // the least sum of squares
  };

  static double term(const Cell& cell, double u) {
    return std::log1p(std::exp(u - cell.log_batch_size));
  }

  [[nodiscard]] Point at(double u) const {
    Point point;
    for (const Cell& cell : cells_) {
      point.mean += cell.count * (cell.mean - term(cell, u)) / count_;
    }
    point.squares = within_;
    for (const Cell& cell : cells_) {
      const double residual = cell.mean - term(cell, u) - point.mean;
      point.squares += cell.count * residual * residual;
    }
    return point;
  }

  // Of the u whose sum of squares is within `limit`, towards `bound`.
  [[nodiscard]] double end(double limit, double bound) const {
    const auto above = [&](double u) { return at(u).squares - limit; };
    return above(bound) <= 0 ? bound : crossing(above, best_, bound);
  }

  [[nodiscard]] Interval profile(double c, double limit, const Interval& region) const {
    const auto edge = [&](double u, double sign) {
      const Point point = at(u);
      const double left = std::max(0.0, limit - point.squares);
      return point.mean + c * u + sign * std::sqrt(left / count_);
    };
    const auto lower = [&](double u) { return edge(u, -1); };
    const auto upper = [&](double u) { return -edge(u, 1); };
    return {lower(argmin(lower, region.low, region.high)),
            -upper(argmin(upper, region.low, region.high))};
  }

  // Where the best Bcrit lies so far beyond the sweep that the law is one of its
  // limits.
  void take_limits(TradeOffFit& fit) const {
    if (best_ > high_ - kBeyond / 2) {
      fit.critical_batch_size.value = fit.overhead_20_batch_size.value = kInfinity;
      fit.minimum_steps.value = 0;
    }
    if (best_ < low_ + kBeyond / 2) {
      fit.critical_batch_size.value = fit.overhead_20_batch_size.value = 0;
      fit.minimum_examples.value = 0;
    }
  }

  static FittedValue exponential(double value, const Interval& interval) {
    return {std::exp(value), {std::exp(interval.low), std::exp(interval.high)}};
  }

  std::vector<Cell> cells_;
  double within_;  // sum of squares within the cells
  double count_ = 0, low_ = 0, high_ = 0, best_ = 0;
};

void check(const SweepRun& run) {
  if (run.batch_size > 0 && std::isfinite(run.batch_size) && run.steps > 0) return;
  throw Error(
      ErrorKind::data,
      fmt::format("trade-off: batch size and steps must be positive, got {} and "
                  "{} (seed {})",
                  run.batch_size, run.steps, run.seed));
}

using RunsBySize = std::map<double, std::vector<double>>;  // log S

double mean_of(const std::vector<double>& values) { return *summarise(values).mean; }

std::vector<TradeOffPoint> points_of(const RunsBySize& sizes) {
  std::vector<TradeOffPoint> points;
  for (const auto& [batch_size, logs] : sizes) {
    const auto never = std::count(logs.begin(), logs.end(), kInfinity);
    const double steps = never > 0 ? kInfinity : std::exp(mean_of(logs));
    points.push_back({.batch_size = batch_size,
                      .runs = logs.size(),
                      .never = static_cast<std::size_t>(never),
                      .steps = steps,
                      .examples = batch_size * steps,
                      .used = never == 0});
  }
  return points;
}

Law law_of(const RunsBySize& sizes, const std::vector<TradeOffPoint>& points) {
  std::vector<Cell> cells;
  double within = 0;
  for (const TradeOffPoint& point : points) {
    if (!point.used) continue;
    const auto& logs = sizes.at(point.batch_size);
    const double mean = mean_of(logs);
    for (const double log : logs) within += (log - mean) * (log - mean);
    cells.push_back(
        {std::log(point.batch_size), static_cast<double>(logs.size()), mean});
  }
  return {std::move(cells), within};
}

void note_what_is_open(TradeOff& result) {
  const Interval& critical = result.fit->critical_batch_size.interval;
  if (critical.high == kInfinity) {
    result.notes.emplace_back(
        "the sweep cannot tell Bcrit from above nor Smin from below: within the noise, "
        "every batch size scales perfectly; add larger ones");
  }
  if (critical.low == 0) {
    result.notes.emplace_back(
        "the sweep cannot tell Bcrit and Emin from below: within the noise, every "
        "batch "
        "size needs the same number of steps; add smaller ones");
  }
}

}  // namespace

TradeOff trade_off(std::span<const SweepRun> runs) {
  RunsBySize sizes;
  for (const SweepRun& run : runs) {
    check(run);
    sizes[run.batch_size].push_back(std::log(run.steps));
  }
  TradeOff result;
  result.points = points_of(sizes);
  std::size_t used = 0, used_runs = 0;
  for (const TradeOffPoint& point : result.points) {
    if (point.used) {
      ++used, used_runs += point.runs;
      continue;
    }
    result.notes.push_back(
        fmt::format("batch size {}: {} of {} runs never reached the target, so that it "
                    "is not in the fit",
                    point.batch_size, point.never, point.runs));
  }
  if (used < kFewestBatchSizes) {
    result.notes.push_back(fmt::format(
        "no fit: {} batch size{} with all runs at the target, at least {} are needed",
        used, used == 1 ? "" : "s", kFewestBatchSizes));
    return result;
  }
  const Law law = law_of(sizes, result.points);
  result.fit = law.fit();
  for (TradeOffPoint& point : result.points) {
    point.fitted_steps = law.fitted_steps(point.batch_size);
  }
  note_what_is_open(result);
  return result;
}

}  // namespace batchlab
