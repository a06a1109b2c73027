// SPDX-License-Identifier: MIT
#include "results/time_to_target.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace batchlab {
namespace {

constexpr double kNever = std::numeric_limits<double>::infinity();

// The largest k with P(Binomial(count, 1/2) < k) <= 0.025; 0: there is none.
std::size_t interval_rank(std::size_t count) {
  double term = std::pow(0.5, static_cast<double>(count)), below = term;
  std::size_t rank = 0;
  while (below <= 0.025 && rank < count) {
    ++rank;
    term *= static_cast<double>(count - rank + 1) / static_cast<double>(rank);
    below += term;
  }
  return rank;
}

CensoredSummary summary_of(std::span<const RunToTarget> runs,
                           double TargetReached::*figure) {
  std::vector<double> times;
  for (const RunToTarget& run : runs) {
    times.push_back(run.reached ? *run.reached.*figure : kNever);
  }
  return summarise_times(times);
}

}  // namespace

CensoredSummary summarise_times(std::span<const double> times) {
  CensoredSummary summary;
  std::vector<double> sorted(times.begin(), times.end());
  summary.median = median(sorted);  // refuses nan, which would not sort
  summary.interquartile_mean = interquartile_mean(sorted);
  std::sort(sorted.begin(), sorted.end());
  summary.count = sorted.size();
  summary.never =
      static_cast<std::size_t>(std::count(sorted.begin(), sorted.end(), kNever));
  const std::size_t rank = interval_rank(sorted.size());
  if (rank > 0) {
    summary.interval = Interval{sorted[rank - 1], sorted[sorted.size() - rank]};
  }
  return summary;
}

bool is_over(const Run& run) {
  const std::string status = run.status();
  return status == "finished" || status == "diverged";
}

TimeToTarget time_to_target(std::span<const Run* const> runs, const Target& target) {
  TimeToTarget times;
  for (const Run* run : runs) {
    if (!is_over(*run)) {
      times.left_out.push_back(fmt::format("seed {}: {}", run->seed(), run->status()));
      continue;
    }
    if (run->status() == "finished" && !measured(*run, target)) {
      times.left_out.push_back(fmt::format("seed {}: {}_{} was not measured",
                                           run->seed(), target.split, target.quantity));
      continue;
    }
    const auto seen = run->record.find("examples_seen");
    const bool known = seen != run->record.end() && seen->is_number();
    times.runs.push_back({.seed = run->seed(),
                          .status = run->status(),
                          .reached = reached(*run, target),
                          .examples_seen = known ? seen->get<double>() : 0});
  }
  times.updates = summary_of(times.runs, &TargetReached::updates);
  times.examples = summary_of(times.runs, &TargetReached::examples);
  times.training_seconds = summary_of(times.runs, &TargetReached::training_seconds);
  return times;
}

}  // namespace batchlab
