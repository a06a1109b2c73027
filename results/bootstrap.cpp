// SPDX-License-Identifier: MIT
#include "results/bootstrap.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "controllers/error.hpp"
#include "results/resampling.hpp"

namespace batchlab {
namespace {

constexpr std::uint32_t kFewestResamples = 199;
constexpr std::uint32_t kMostResamples = 10'000'000;

// All runs in one array, workload after workload.
struct Strata {
  std::vector<double> values;
  std::vector<std::size_t> sizes;
};

struct Estimate {
  double value = 0, standard_error = 0;
};

Strata joined(std::span<const std::vector<double>> workloads) {
  Strata strata;
  for (const auto& runs : workloads) {
    strata.values.insert(strata.values.end(), runs.begin(), runs.end());
    strata.sizes.push_back(runs.size());
  }
  return strata;
}

// Sum over the workloads of n_h times the variance (n_h - 1) of the values, which are
// first moved into [low, high].
double sum_of_variances(const Strata& strata, double low, double high) {
  double sum = 0;
  auto first = strata.values.begin();
  for (const std::size_t size : strata.sizes) {
    const auto last = first + static_cast<std::ptrdiff_t>(size);
    const auto count = static_cast<double>(size);
    double mean = 0, squares = 0;
    for (auto value = first; value != last; ++value) {
      mean += std::clamp(*value, low, high) / count;
    }
    for (auto value = first; value != last; ++value) {
      const double deviation = std::clamp(*value, low, high) - mean;
      squares += deviation * deviation;
    }
    sum += count * squares / (count - 1);
    first = last;
  }
  return sum;
}

// `sorted` is room for a copy.
Estimate estimate(const Strata& strata, PooledStatistic statistic,
                  std::vector<double>& sorted) {
  const std::size_t count = strata.values.size();
  double low = -std::numeric_limits<double>::infinity(), high = -low;
  sorted = strata.values;
  std::size_t cut = 0;
  if (statistic == PooledStatistic::interquartile_mean) {
    cut = count / 4;
    std::sort(sorted.begin(), sorted.end());
    low = sorted[cut], high = sorted[count - 1 - cut];
  }
  const auto end = sorted.end() - static_cast<std::ptrdiff_t>(cut);
  const auto kept = static_cast<double>(count - 2 * cut);
  const double sum =
      std::accumulate(sorted.begin() + static_cast<std::ptrdiff_t>(cut), end, 0.0);
  return {sum / kept, std::sqrt(sum_of_variances(strata, low, high)) / kept};
}

// Every workload's runs drawn anew from its own.
void draw(const Strata& strata, ResamplingDraws& draws, Strata& resample) {
  std::size_t first = 0;
  for (const std::size_t size : strata.sizes) {
    for (std::size_t i = 0; i < size; ++i) {
      resample.values[first + i] =
          strata.values[first + draws.below(static_cast<std::uint32_t>(size))];
    }
    first += size;
  }
}

// Infinite where the resample has no spread, but another value.
double studentised(const Estimate& resample, const Estimate& sample) {
  const double distance = resample.value - sample.value;
  return distance == 0 ? 0 : distance / resample.standard_error;
}

double order_statistic(std::vector<double>& values, double share) {
  const double rank = std::round(share * static_cast<double>(values.size() + 1));
  const auto at = values.begin() + static_cast<std::ptrdiff_t>(rank) - 1;
  std::nth_element(values.begin(), at, values.end());
  return *at;
}

bool enough(const Strata& strata, PooledStatistic statistic) {
  const std::size_t fewest = statistic == PooledStatistic::mean ? 5 : 10;
  return strata.values.size() >= fewest &&
         std::all_of(strata.sizes.begin(), strata.sizes.end(),
                     [](std::size_t size) { return size >= 2; }) &&
         std::all_of(strata.values.begin(), strata.values.end(),
                     [](double value) { return std::isfinite(value); });
}

}  // namespace

std::optional<double> pooled(std::span<const std::vector<double>> workloads,
                             PooledStatistic statistic) {
  const Strata strata = joined(workloads);
  if (statistic == PooledStatistic::interquartile_mean) {
    return interquartile_mean(strata.values);
  }
  return summarise(strata.values).mean;
}

std::optional<Interval> bootstrap_interval(
    std::span<const std::vector<double>> workloads, PooledStatistic statistic,
    std::uint32_t seed, std::uint32_t resamples) {
  if (resamples < kFewestResamples || resamples > kMostResamples) {
    throw Error(ErrorKind::usage,
                fmt::format("bootstrap: resamples must be in [{}, {}], got {}",
                            kFewestResamples, kMostResamples, resamples));
  }
  const Strata strata = joined(workloads);
  if (!enough(strata, statistic)) return std::nullopt;
  std::vector<double> room, ratios;
  const Estimate sample = estimate(strata, statistic, room);
  if (sample.standard_error == 0) return Interval{sample.value, sample.value};
  Strata resample = strata;
  for (std::uint32_t i = 0; i < resamples; ++i) {
    ResamplingDraws draws(seed, ResamplingPurpose::bootstrap, i);
    draw(strata, draws, resample);
    ratios.push_back(studentised(estimate(resample, statistic, room), sample));
  }
  return Interval{
      sample.value - order_statistic(ratios, 0.975) * sample.standard_error,
      sample.value - order_statistic(ratios, 0.025) * sample.standard_error};
}

}  // namespace batchlab
