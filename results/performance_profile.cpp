// SPDX-License-Identifier: MIT
#include "results/performance_profile.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "controllers/error.hpp"

namespace batchlab {
namespace {

constexpr double kNever = std::numeric_limits<double>::infinity();

void check(std::span<const WorkloadTimes> workloads, double tau_max) {
  if (!(tau_max > 1) || !std::isfinite(tau_max)) {
    throw Error(
        ErrorKind::usage,
        fmt::format("performance profile: tau_max must be above 1, got {}", tau_max));
  }
  for (const WorkloadTimes& workload : workloads) {
    if (workload.times.size() != workloads.front().times.size()) {
      throw Error(ErrorKind::usage,
                  fmt::format("{}: has {} times, must have {} as the other workloads",
                              printable(workload.workload), workload.times.size(),
                              workloads.front().times.size()));
    }
    for (const double time : workload.times) {
      if (time > 0) continue;
      throw Error(ErrorKind::data,
                  fmt::format("{}: a time to the target must be positive, got {}",
                              printable(workload.workload), time));
    }
  }
}

}  // namespace

double PerformanceProfile::share(double tau) const {
  if (ratios.empty()) return 0;
  const auto within = std::count_if(ratios.begin(), ratios.end(), [&](double ratio) {
    return std::isfinite(ratio) && ratio <= tau;
  });
  return static_cast<double>(within) / static_cast<double>(ratios.size());
}

std::vector<PerformanceProfile> performance_profiles(
    std::span<const WorkloadTimes> workloads, double tau_max) {
  check(workloads, tau_max);
  if (workloads.empty()) return {};
  std::vector<PerformanceProfile> profiles(workloads.front().times.size());
  for (const auto& [name, times] : workloads) {
    if (times.empty()) continue;
    const double best = *std::min_element(times.begin(), times.end());
    for (std::size_t i = 0; i < times.size(); ++i) {
      const double ratio = std::isfinite(times[i]) ? times[i] / best : kNever;
      profiles[i].ratios.push_back(ratio);
      profiles[i].score += std::max(0.0, tau_max - ratio) / (tau_max - 1);
    }
  }
  for (PerformanceProfile& profile : profiles) {
    profile.score /= static_cast<double>(workloads.size());
  }
  return profiles;
}

}  // namespace batchlab
