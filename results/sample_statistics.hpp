// SPDX-License-Identifier: MIT
//
// Figures of a sample: mean, median, interquartile mean, deviation, Student's interval.
//
//     s^2 = sum (x - mean)^2 / (n - 1),     mean  +-  t(0.975, n - 1) s / sqrt(n)
//
// Over 10,000 normal samples of n = 10 the interval covers the mean in 95 % (tested).
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

namespace batchlab {

// Of a sample. Absent where undefined: nothing of an empty sample, no deviation and no
// interval of one value.
struct Summary {
  std::size_t count = 0;
  std::optional<double> mean;
  std::optional<double> median;
  std::optional<double> interquartile_mean;
  std::optional<double> standard_deviation;  // n - 1
  std::optional<double> interval_low;        // 95 % interval of the mean, Student's t
  std::optional<double> interval_high;
  // The same by the bootstrap, where a comparison has it; may be infinite.
  std::optional<double> bootstrap_low, bootstrap_high;
};
// Throws Error(data) for a value that is nan.
[[nodiscard]] Summary summarise(std::span<const double> values);

struct Interval {
  double low = 0, high = 0;
};

// The middle value; of an even number, the mean of the two. Values may be infinite: a
// run that never reached its target. Absent for an empty sample.
[[nodiscard]] std::optional<double> median(std::vector<double> values);

// The mean of what is left without the floor(n / 4) least and as many greatest values,
// as of scipy's trim_mean(values, 0.25); of fewer than four values, the mean.
// Agarwal, Schwarzer, Castro, Courville, Bellemare: Deep reinforcement learning at the
// edge of the statistical precipice (2021), and their program rliable.
[[nodiscard]] std::optional<double> interquartile_mean(std::vector<double> values);

// That x with P(T <= x) = probability, for Student's T. Here so that one file includes
// Boost.Math.
[[nodiscard]] double student_quantile(double probability, double degrees_of_freedom);

}  // namespace batchlab
