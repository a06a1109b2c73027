// SPDX-License-Identifier: MIT
//
// Welch: difference +- t(0.975, f) sqrt(a + b), a = s1^2 / n, b = s2^2 / m,
// f = (a + b)^2 / (a^2 / (n - 1) + b^2 / (m - 1)).

#include "results/paired_comparison.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "controllers/error.hpp"
#include "results/permutation_test.hpp"
#include "results/report_text.hpp"

namespace batchlab {
namespace {

constexpr std::size_t kFewestRuns = 5;
constexpr double kSignificant = 0.05;

void check(const ControllerSample& sample) {
  if (sample.seeds.size() != sample.values.size()) {
    throw Error(ErrorKind::usage,
                fmt::format("{}: {} seeds and {} values; there must be as many",
                            printable(sample.label), sample.seeds.size(),
                            sample.values.size()));
  }
  for (const double value : sample.values) {
    if (std::isfinite(value)) continue;
    throw Error(ErrorKind::data,
                fmt::format("{}: values to compare must be finite, got {}",
                            printable(sample.label), value));
  }
}

std::map<std::int64_t, double> by_seed(const ControllerSample& sample) {
  std::map<std::int64_t, double> values;
  for (std::size_t i = 0; i < sample.seeds.size(); ++i) {
    values[sample.seeds[i]] = sample.values[i];
  }
  return values;
}

bool repeats_a_seed(const ControllerSample& sample) {
  return by_seed(sample).size() < sample.seeds.size();
}

// Over the seeds of both; absent unless those are all seeds of the smaller sample.
std::optional<std::vector<double>> differences(const ControllerSample& sample,
                                               const ControllerSample& reference) {
  if (repeats_a_seed(sample) || repeats_a_seed(reference)) return std::nullopt;
  const auto others = by_seed(reference);
  std::vector<double> differences;
  for (const auto& [seed, value] : by_seed(sample)) {
    const auto other = others.find(seed);
    if (other != others.end()) differences.push_back(value - other->second);
  }
  const std::size_t smaller = std::min(sample.values.size(), reference.values.size());
  if (smaller == 0 || differences.size() < smaller) return std::nullopt;
  return differences;
}

std::optional<Interval> interval_of(const Summary& summary) {
  if (!summary.interval_low) return std::nullopt;
  return Interval{*summary.interval_low, *summary.interval_high};
}

std::optional<Interval> welch(const Summary& sample, const Summary& reference) {
  if (!sample.standard_deviation || !reference.standard_deviation) return std::nullopt;
  const double difference = *sample.mean - *reference.mean;
  const auto n = static_cast<double>(sample.count);
  const auto m = static_cast<double>(reference.count);
  const double a = *sample.standard_deviation * *sample.standard_deviation / n;
  const double b = *reference.standard_deviation * *reference.standard_deviation / m;
  if (a + b == 0) return Interval{difference, difference};
  const double degrees = (a + b) * (a + b) / (a * a / (n - 1) + b * b / (m - 1));
  const double half = student_quantile(0.975, degrees) * std::sqrt(a + b);
  return Interval{difference - half, difference + half};
}

void set_test(PairwiseComparison& comparison, const PermutationTest& test) {
  comparison.p = test.p;
  comparison.least_p = test.least_p;
  comparison.exact = test.exact;
}

// All but the correction and the verdict.
PairwiseComparison compared(const ControllerSample& sample,
                            const ControllerSample& reference, std::uint32_t seed) {
  PairwiseComparison comparison;
  comparison.label = sample.label;
  comparison.reference = reference.label;
  const std::size_t all = sample.values.size() + reference.values.size();
  const Summary own = summarise(sample.values), other = summarise(reference.values);
  comparison.own_interval = interval_of(own);
  comparison.reference_interval = interval_of(other);
  if (const auto pairs = differences(sample, reference)) {
    comparison.paired = true;
    comparison.count = comparison.reference_count = pairs->size();
    comparison.unpaired = all - 2 * pairs->size();
    const Summary summary = summarise(*pairs);
    comparison.difference = *summary.mean;
    comparison.interval = interval_of(summary);
    set_test(comparison, sign_flip_test(*pairs, seed));
    return comparison;
  }
  comparison.count = sample.values.size();
  comparison.reference_count = reference.values.size();
  comparison.difference = own.mean.value_or(0) - other.mean.value_or(0);
  comparison.interval = welch(own, other);
  set_test(comparison, split_test(sample.values, reference.values, seed));
  return comparison;
}

// Why a difference is not resolved.
struct Obstacle {
  std::string brief, words;
};

Obstacle too_few_runs(const PairwiseComparison& comparison, std::size_t fewest) {
  const std::string count = fmt::format(
      "{} {}{}", fewest, comparison.paired ? "pair" : "run", fewest == 1 ? "" : "s");
  return {fmt::format("fewer than {}", kFewestRuns),
          fmt::format("{} {} fewer than {} and give{} no p below {:.2g}", count,
                      fewest == 1 ? "is" : "are", kFewestRuns, fewest == 1 ? "s" : "",
                      comparison.least_p)};
}

// No p that so many runs can give would be small enough.
Obstacle out_of_reach(const PairwiseComparison& comparison, std::size_t fewest,
                      std::size_t comparisons) {
  const char* what = comparison.paired ? "pairs" : "runs";
  return {fmt::format("too few {}", what),
          fmt::format("{} {} give no p below {:.2g}, too much for {} comparison{}: {} "
                      "pairs are the fewest that could",
                      fewest, what, comparison.least_p, comparisons,
                      comparisons == 1 ? "" : "s", fewest_pairs(comparisons))};
}

std::string range(const Interval& interval) {
  return figure_text(interval.low) + " to " + figure_text(interval.high);
}

std::optional<Obstacle> overlap(const PairwiseComparison& comparison) {
  const auto& own = comparison.own_interval;
  const auto& other = comparison.reference_interval;
  if (own && other && (own->high < other->low || other->high < own->low)) {
    return std::nullopt;
  }
  return Obstacle{"intervals overlap",
                  own && other ? fmt::format("the 95 % intervals overlap, {} and {}",
                                             range(*own), range(*other))
                               : "a mean has no 95 % interval"};
}

// Absent: the difference is resolved.
std::optional<Obstacle> obstacle(const PairwiseComparison& comparison, bool repeated,
                                 std::size_t comparisons) {
  if (repeated) return Obstacle{"a seed twice", "a seed counts twice"};
  const std::size_t fewest = std::min(comparison.count, comparison.reference_count);
  if (fewest < kFewestRuns) return too_few_runs(comparison, fewest);
  const bool significant = comparison.corrected_p < kSignificant;
  const double reachable = comparison.least_p * static_cast<double>(comparisons);
  if (!significant && reachable >= kSignificant) {
    return out_of_reach(comparison, fewest, comparisons);
  }
  const auto& interval = comparison.interval;
  if (!interval || (interval->low <= 0 && 0 <= interval->high)) {
    return Obstacle{"difference may be 0",
                    "the 95 % interval of the difference contains 0"};
  }
  if (auto overlapping = overlap(comparison)) return overlapping;
  if (!significant) return Obstacle{"p too large", "p is not below 0.05"};
  return std::nullopt;
}

// `sign`: 1, or -1 to speak of the reference minus the label.
std::string figures(const PairwiseComparison& comparison, double sign) {
  std::string text = fmt::format("p = {:.2g}, Holm", comparison.corrected_p);
  if (comparison.interval) {
    const double low = sign * comparison.interval->low;
    const double high = sign * comparison.interval->high;
    text += fmt::format("; 95 % interval {} to {}", figure_text(std::min(low, high)),
                        figure_text(std::max(low, high)));
  }
  if (comparison.paired) return text + fmt::format("; {} pairs", comparison.count);
  return text + fmt::format("; {} and {} runs, not paired", comparison.count,
                            comparison.reference_count);
}

std::string verdict(const PairwiseComparison& comparison, Better better,
                    const std::optional<Obstacle>& obstacle) {
  const double difference = comparison.difference;
  if (obstacle) {
    return fmt::format("not resolved: {} against {}: {}; {}the difference is {} ({})",
                       comparison.label, comparison.reference, obstacle->words,
                       comparison.paired ? "by pairs of seeds " : "",
                       figure_text(difference), figures(comparison, 1));
  }
  const bool wins = (difference > 0) == (better == Better::higher);
  return fmt::format("resolved: {} is better than {} by {} ({})",
                     wins ? comparison.label : comparison.reference,
                     wins ? comparison.reference : comparison.label,
                     figure_text(std::abs(difference)),
                     figures(comparison, difference > 0 ? 1 : -1));
}

// Runs that are missing may be the bad ones.
std::string missing(const ControllerSample& sample) {
  if (sample.left_out == 0) return "";
  return fmt::format("; {} run{} of {} left out", sample.left_out,
                     sample.left_out == 1 ? "" : "s", sample.label);
}

void conclude(PairwiseComparison& comparison, const ControllerSample& sample,
              const ControllerSample& reference, Better better,
              std::size_t comparisons) {
  const bool repeated = repeats_a_seed(sample) || repeats_a_seed(reference);
  const std::optional<Obstacle> why = obstacle(comparison, repeated, comparisons);
  comparison.resolved = !why;
  comparison.obstacle = why ? why->brief : "";
  comparison.verdict =
      verdict(comparison, better, why) + missing(sample) + missing(reference);
}

void correct(std::vector<PairwiseComparison>& comparisons) {
  std::vector<double> p;
  for (const auto& comparison : comparisons) p.push_back(comparison.p);
  const std::vector<double> corrected = holm(p);
  for (std::size_t i = 0; i < comparisons.size(); ++i) {
    comparisons[i].corrected_p = corrected[i];
  }
}

}  // namespace

std::size_t fewest_pairs(std::size_t comparisons) {
  double least = static_cast<double>(std::max<std::size_t>(1, comparisons));
  std::size_t pairs = 1;
  for (; least >= kSignificant || pairs < kFewestRuns; ++pairs) least /= 2;
  return pairs;
}

std::vector<PairwiseComparison> compare_with(std::span<const ControllerSample> samples,
                                             const std::string& reference,
                                             Better better, std::uint32_t seed) {
  std::for_each(samples.begin(), samples.end(), check);
  const auto base = std::find_if(samples.begin(), samples.end(), [&](const auto& one) {
    return one.label == reference;
  });
  if (base == samples.end()) {
    std::vector<std::string> known;
    for (const auto& sample : samples) known.push_back(sample.label);
    throw unknown_name("controller to compare with", reference, known);
  }
  std::vector<PairwiseComparison> comparisons;
  for (const ControllerSample& sample : samples) {
    if (&sample != &*base) comparisons.push_back(compared(sample, *base, seed));
  }
  correct(comparisons);
  std::size_t at = 0;
  for (const ControllerSample& sample : samples) {
    if (&sample == &*base) continue;
    conclude(comparisons[at++], sample, *base, better, comparisons.size());
  }
  return comparisons;
}

std::vector<PairwiseComparison> compare_with_best(
    std::span<const ControllerSample> samples, Better better, std::uint32_t seed) {
  std::for_each(samples.begin(), samples.end(), check);
  std::vector<const ControllerSample*> known;
  const ControllerSample* best = nullptr;
  double best_mean = 0;
  for (const ControllerSample& sample : samples) {
    const std::optional<double> mean = summarise(sample.values).mean;
    if (!mean) continue;
    known.push_back(&sample);
    const bool improves =
        better == Better::higher ? *mean > best_mean : *mean < best_mean;
    if (best == nullptr || improves) best = &sample, best_mean = *mean;
  }
  // Those with the best first, then all other pairs, for the correction alone.
  std::vector<PairwiseComparison> comparisons;
  for (const auto* sample : known) {
    if (sample != best) comparisons.push_back(compared(*sample, *best, seed));
  }
  for (std::size_t i = 0; i < known.size(); ++i) {
    for (std::size_t j = i + 1; j < known.size(); ++j) {
      if (known[i] == best || known[j] == best) continue;
      comparisons.push_back(compared(*known[i], *known[j], seed));
    }
  }
  correct(comparisons);
  std::size_t at = 0;
  for (const auto* sample : known) {
    if (sample == best) continue;
    conclude(comparisons[at++], *sample, *best, better, comparisons.size());
  }
  comparisons.resize(at);
  return comparisons;
}

}  // namespace batchlab
