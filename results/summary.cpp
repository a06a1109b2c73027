// SPDX-License-Identifier: MIT
//
// Mean, deviation and interval of a sample. Here alone because Boost.Math compiles
// slowly.
//
//     s^2 = sum (x - mean)^2 / (n - 1),     mean  +-  t(0.975, n - 1) s / sqrt(n)

#include <boost/math/distributions/students_t.hpp>
#include <cmath>
#include <numeric>

#include "results/comparison.hpp"

namespace batchlab {

// Two passes: sums of squares would cancel for accuracies that differ in the fourth
// digit.
Summary summarise(std::span<const double> values) {
  Summary summary;
  summary.count = values.size();
  if (values.empty()) return summary;
  const auto count = static_cast<double>(values.size());
  const double mean = std::accumulate(values.begin(), values.end(), 0.0) / count;
  summary.mean = mean;
  if (values.size() == 1) return summary;

  double squares = 0;
  for (const double value : values) squares += (value - mean) * (value - mean);
  const double deviation = std::sqrt(squares / (count - 1));
  const boost::math::students_t student(count - 1);
  const double half = quantile(student, 0.975) * deviation / std::sqrt(count);
  summary.standard_deviation = deviation;
  summary.interval_low = mean - half;
  summary.interval_high = mean + half;
  return summary;
}

}  // namespace batchlab
