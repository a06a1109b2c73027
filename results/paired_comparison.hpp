// SPDX-License-Identifier: MIT
//
// Which of several controllers is better, and whether the runs can tell: differences
// between runs of the same seed where seeds match, permutation tests, Holm's correction
// over all comparisons made, and a verdict in words.
//
// A difference is resolved where all of these hold: five runs of each, a corrected p
// below 0.05, 95 % intervals (Student's) of the two means that do not overlap, and one
// of the difference (Student's of the pairs, Welch's of two samples) without 0. This is
// the one place of the rule. Intervals that overlap are the stricter condition: between
// seeds that vary together, pairs see differences that the intervals hide, and the
// verdict tells both.
//
// Compared with the best, which the data chose, the correction is over all pairs of
// controllers, m (m - 1) / 2: over m - 1 alone, equal controllers would differ more
// often than promised (tested).
// Few pairs cannot resolve anything: n give no p below 2^(1 - n), so 5 pairs 0.0625.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "results/sample_statistics.hpp"

namespace batchlab {

// One figure of the runs of one controller.
struct ControllerSample {
  std::string label;
  std::vector<std::int64_t> seeds;  // as many as values
  std::vector<double> values;
  std::size_t left_out = 0;  // runs without the figure: diverged, interrupted, ...
};

enum class Better { higher, lower };

struct PairwiseComparison {
  std::string label, reference;
  bool paired = false;               // over the seeds that both have
  std::size_t count = 0;             // pairs, or values of `label`
  std::size_t reference_count = 0;   // the same, or values of `reference`
  std::size_t unpaired = 0;          // values that have no partner, and so are not used
  double difference = 0;             // mean of `label` minus that of `reference`
  std::optional<Interval> interval;  // 95 %, of the difference
  // 95 %, of the mean of all values of `label` and of `reference`.
  std::optional<Interval> own_interval, reference_interval;
  double p = 1;            // of this comparison alone, two-sided
  double corrected_p = 1;  // Holm
  double least_p = 1;      // the least that so many runs can give
  bool exact = true;       // or from 100,000 drawn permutations
  bool resolved = false;
  std::string obstacle;  // to that, in short: "intervals overlap"; empty: none
  std::string verdict;   // "resolved: a is better than b by 0.02 (p = 0.01, Holm)"
};

// The fewest pairs that can resolve anything where so many comparisons are made: the
// least n from 5 on with 2^(1 - n) comparisons < 0.05. Of 5 controllers compared with
// the best of them, 10 comparisons, it is 9; of one comparison, 6.
[[nodiscard]] std::size_t fewest_pairs(std::size_t comparisons);

// All others against `reference`, one of the labels. Pairs are made where all seeds of
// the smaller sample are also in the other. Throws Error(usage) for a reference or a
// sample that is none, Error(data) for a value that is not finite.
[[nodiscard]] std::vector<PairwiseComparison> compare_with(
    std::span<const ControllerSample> samples, const std::string& reference,
    Better better, std::uint32_t seed = 0);

// All others against the one with the best mean; empty for fewer than two samples that
// have values.
[[nodiscard]] std::vector<PairwiseComparison> compare_with_best(
    std::span<const ControllerSample> samples, Better better, std::uint32_t seed = 0);

}  // namespace batchlab
