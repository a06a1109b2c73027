// SPDX-License-Identifier: MIT
//
// Ticks at 1, 2 or 5 times a power of ten.
#include <algorithm>
#include <cmath>

#include "results/svg_chart.hpp"

namespace batchlab {

std::vector<double> round_ticks(double low, double high, std::size_t count) {
  if (!(high > low) || count == 0) return {low};
  const double rough = (high - low) / static_cast<double>(count);
  const double power = std::pow(10, std::floor(std::log10(rough)));
  double step = 10 * power;
  for (const double factor : {5.0, 2.0, 1.0}) {
    if (factor * power >= rough) step = factor * power;
  }
  std::vector<double> ticks;
  const double first = std::ceil(low / step - 1e-9);
  for (double i = first; i * step <= high + 1e-9 * step && ticks.size() < 50; ++i) {
    ticks.push_back(i * step + 0.0);  // no -0
  }
  return ticks;
}

std::vector<double> log_ticks(double low, double high, std::size_t count) {
  if (!(low > 0) || !(high > low)) return {low};
  const double decades = std::log10(high / low);
  const bool fine = decades < static_cast<double>(count) / 2;
  std::vector<double> ticks;
  for (double power = std::floor(std::log10(low)); power <= std::log10(high); ++power) {
    for (const double factor : {1.0, 2.0, 5.0}) {
      const double tick = factor * std::pow(10, power);
      if (factor > 1 && !fine) continue;
      if (tick >= low * (1 - 1e-9) && tick <= high * (1 + 1e-9)) ticks.push_back(tick);
    }
  }
  return ticks.size() > 1 ? ticks : round_ticks(low, high, count);
}

}  // namespace batchlab
