// SPDX-License-Identifier: MIT
//
// Alone in including Boost.Math, which compiles slowly.

#include "results/sample_statistics.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/math/distributions/students_t.hpp>
#include <cmath>
#include <numeric>

#include "controllers/error.hpp"

namespace batchlab {
namespace {

void refuse_nan(std::span<const double> values) {
  const auto nan = std::find_if(values.begin(), values.end(),
                                [](double value) { return std::isnan(value); });
  if (nan == values.end()) return;
  throw Error(ErrorKind::data,
              fmt::format("value {} of {} of a sample is nan, must be a number",
                          nan - values.begin() + 1, values.size()));
}

double mean_of(std::span<const double> values) {
  return std::accumulate(values.begin(), values.end(), 0.0) /
         static_cast<double>(values.size());
}

}  // namespace

std::optional<double> median(std::vector<double> values) {
  refuse_nan(values);
  if (values.empty()) return std::nullopt;
  std::sort(values.begin(), values.end());
  const double upper = values[values.size() / 2];
  if (values.size() % 2 == 1) return upper;
  const double lower = values[values.size() / 2 - 1];
  return lower == upper ? upper : lower / 2 + upper / 2;
}

std::optional<double> interquartile_mean(std::vector<double> values) {
  refuse_nan(values);
  if (values.empty()) return std::nullopt;
  std::sort(values.begin(), values.end());
  const std::size_t cut = values.size() / 4;
  return mean_of(std::span(values).subspan(cut, values.size() - 2 * cut));
}

// Two passes: sums of squares would cancel for accuracies that differ in the fourth
// digit.
Summary summarise(std::span<const double> values) {
  Summary summary;
  summary.count = values.size();
  if (values.empty()) return summary;
  summary.median = median({values.begin(), values.end()});
  summary.interquartile_mean = interquartile_mean({values.begin(), values.end()});
  const double mean = mean_of(values);
  summary.mean = mean;
  if (values.size() == 1) return summary;

  const auto count = static_cast<double>(values.size());
  double squares = 0;
  for (const double value : values) squares += (value - mean) * (value - mean);
  const double deviation = std::sqrt(squares / (count - 1));
  const double half = student_quantile(0.975, count - 1) * deviation / std::sqrt(count);
  summary.standard_deviation = deviation;
  summary.interval_low = mean - half;
  summary.interval_high = mean + half;
  return summary;
}

double student_quantile(double probability, double degrees_of_freedom) {
  return quantile(boost::math::students_t(degrees_of_freedom), probability);
}

}  // namespace batchlab
