// SPDX-License-Identifier: MIT
#include "results/permutation_test.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <numeric>
#include <utility>

#include "controllers/error.hpp"
#include "results/resampling.hpp"

namespace batchlab {
namespace {

constexpr std::size_t kMostExactPairs = 20;
constexpr double kMostExactSplits = 200'000;
constexpr std::uint32_t kDraws = 100'000;
constexpr double kLeastDrawn = 1.0 / (1 + kDraws);
constexpr double kRounding = 1e-12;  // relative: equal sums added in another order

void refuse_infinite(std::span<const double> values) {
  for (const double value : values) {
    if (std::isfinite(value)) continue;
    throw Error(ErrorKind::data,
                fmt::format("permutation test: values must be finite, got {}", value));
  }
}

double sum(std::span<const double> values) {
  return std::accumulate(values.begin(), values.end(), 0.0);
}

double magnitude(std::span<const double> values) {
  return std::accumulate(values.begin(), values.end(), 0.0,
                         [](double so_far, double v) { return so_far + std::abs(v); });
}

// How many sign patterns of `rest`, added to `so_far`, come to at least `observed`.
std::uint64_t count_flips(std::span<const double> rest, double so_far,
                          double observed) {
  if (rest.empty()) return std::abs(so_far) >= observed ? 1 : 0;
  return count_flips(rest.subspan(1), so_far + rest[0], observed) +
         count_flips(rest.subspan(1), so_far - rest[0], observed);
}

// The sums of eight differences (or fewer: the rest are 0) under each of their 256 sign
// patterns, bit i for the sign of the i-th: a draw adds one number per eight.
std::array<double, 256> signed_sums(std::span<const double> eight) {
  std::array<double, 256> sums{};
  sums[0] = -sum(eight);
  for (std::size_t signs = 1; signs < sums.size(); ++signs) {
    const auto lowest = static_cast<std::size_t>(std::countr_zero(signs));
    const double other = lowest < eight.size() ? 2 * eight[lowest] : 0;
    sums[signs] = sums[signs & (signs - 1)] + other;
  }
  return sums;
}

double drawn_flips(std::span<const double> differences, double observed,
                   std::uint32_t seed) {
  std::vector<std::array<double, 256>> groups;
  for (std::size_t i = 0; i < differences.size(); i += 8) {
    const std::size_t left = differences.size() - i;
    groups.push_back(
        signed_sums(differences.subspan(i, std::min<std::size_t>(8, left))));
  }
  std::uint32_t hits = 0;
  for (std::uint32_t draw = 0; draw < kDraws; ++draw) {
    ResamplingDraws draws(seed, ResamplingPurpose::sign_flips, draw);
    double flipped = 0;
    std::uint32_t bits = 0;
    for (std::size_t i = 0; i < groups.size(); ++i, bits >>= 8) {
      if (i % 4 == 0) bits = draws.bits();
      flipped += groups[i][bits & 255];
    }
    if (std::abs(flipped) >= observed) ++hits;
  }
  return (1 + hits) / (1.0 + kDraws);
}

// Of the splits of all values into a first sample and the rest. The difference of means
// is linear in the sum of the first: total / m - sum (1 / n + 1 / m).
class Splits {
 public:
  Splits(std::span<const double> first, std::span<const double> second)
      : values_(first.begin(), first.end()), first_(first.size()) {
    values_.insert(values_.end(), second.begin(), second.end());
    const auto n = static_cast<double>(first.size());
    const auto m = static_cast<double>(second.size());
    total_part_ = sum(values_) / m;
    slope_ = 1 / n + 1 / m;
    observed_ = std::abs(difference(sum(first))) - kRounding * magnitude(values_) / m;
  }

  // n + m over n, exactly as long as it matters.
  [[nodiscard]] double number() const {
    double splits = 1;
    for (std::size_t i = 1; i <= first_; ++i) {
      splits = std::round(splits * static_cast<double>(values_.size() - first_ + i) /
                          static_cast<double>(i));
    }
    return splits;
  }

  // How many take `wanted` more values from `at` on and are as far apart.
  [[nodiscard]] std::uint64_t count(std::size_t at, std::size_t wanted,
                                    double so_far) const {
    if (wanted == 0) return hits(so_far) ? 1 : 0;
    if (values_.size() - at < wanted) return 0;
    return count(at + 1, wanted - 1, so_far + values_[at]) +
           count(at + 1, wanted, so_far);
  }

  [[nodiscard]] double drawn(std::uint32_t seed) const {
    std::uint32_t found = 0;
    std::vector<double> shuffled = values_;
    std::vector<std::size_t> taken(first_);
    for (std::uint32_t draw = 0; draw < kDraws; ++draw) {
      ResamplingDraws draws(seed, ResamplingPurpose::splits, draw);
      double so_far = 0;
      for (std::size_t i = 0; i < first_; ++i) {
        const auto left = static_cast<std::uint32_t>(shuffled.size() - i);
        taken[i] = i + draws.below(left);
        std::swap(shuffled[i], shuffled[taken[i]]);
        so_far += shuffled[i];
      }
      for (std::size_t i = first_; i-- > 0;) std::swap(shuffled[i], shuffled[taken[i]]);
      if (hits(so_far)) ++found;
    }
    return (1 + found) / (1.0 + kDraws);
  }

 private:
  [[nodiscard]] double difference(double first_sum) const {
    return total_part_ - first_sum * slope_;
  }
  [[nodiscard]] bool hits(double first_sum) const {
    return std::abs(difference(first_sum)) >= observed_;
  }

  std::vector<double> values_;
  std::size_t first_;
  double total_part_ = 0, slope_ = 0, observed_ = 0;
};

}  // namespace

PermutationTest sign_flip_test(std::span<const double> differences,
                               std::uint32_t seed) {
  refuse_infinite(differences);
  const double observed =
      std::abs(sum(differences)) - kRounding * magnitude(differences);
  const std::size_t count = differences.size();
  if (count == 0) return {};
  if (count > kMostExactPairs) {
    return {drawn_flips(differences, observed, seed), kLeastDrawn, false};
  }
  // Both signs of the first difference give the same |sum|: half are counted.
  const auto patterns = static_cast<double>(std::uint64_t{1} << (count - 1));
  const auto found = static_cast<double>(
      count_flips(differences.subspan(1), differences[0], observed));
  return {found / patterns, 1 / patterns, true};
}

PermutationTest split_test(std::span<const double> first,
                           std::span<const double> second, std::uint32_t seed) {
  refuse_infinite(first);
  refuse_infinite(second);
  if (first.empty() || second.empty()) return {};
  const Splits splits(first, second);
  const double number = splits.number();
  if (number > kMostExactSplits) return {splits.drawn(seed), kLeastDrawn, false};
  const auto found = static_cast<double>(splits.count(0, first.size(), 0));
  // Of equal sizes, each split has its mirror image.
  const double least = first.size() == second.size() ? 2 / number : 1 / number;
  return {found / number, least, true};
}

std::vector<double> holm(std::span<const double> p) {
  std::vector<std::size_t> order(p.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(
      order.begin(), order.end(),
      [&](std::size_t left, std::size_t right) { return p[left] < p[right]; });
  std::vector<double> corrected(p.size());
  double least = 0;
  for (std::size_t i = 0; i < order.size(); ++i) {
    const auto factor = static_cast<double>(p.size() - i);
    least = std::max(least, std::min(1.0, factor * p[order[i]]));
    corrected[order[i]] = least;
  }
  return corrected;
}

}  // namespace batchlab
