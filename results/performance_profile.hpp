// SPDX-License-Identifier: MIT
//
// Controllers over several workloads: performance profiles and their AlgoPerf score.
//
//     r_sw = t_sw / min over s of t_sw,    rho_s(tau) = share of workloads: r_sw <= tau
//     score_s = integral of rho_s from 1 to tau_max / (tau_max - 1),   tau_max = 4
//             = mean over workloads of max(0, tau_max - r_sw) / (tau_max - 1)
//
// t_sw: time of controller s to the target of workload w, infinite if never; on a
// workload whose target nobody reached, every ratio is infinite. The integral is exact:
// AlgoPerf's own program adds trapezoids over 100 points. 1: the fastest everywhere.
// Ratios depend on who takes part: a score is no property of one controller.
// Dolan, More: Benchmarking optimization software with performance profiles (2002);
// Dahl et al.: Benchmarking neural network training algorithms (2023), arXiv
// 2306.07179.
#pragma once

#include <span>
#include <string>
#include <vector>

namespace batchlab {

// Times of all controllers to the target of one workload, such as their medians over
// seeds; positive, infinity: never.
struct WorkloadTimes {
  std::string workload;
  std::vector<double> times;  // in the order of the controllers
};

struct PerformanceProfile {
  std::vector<double> ratios;  // to the best, in the order of the workloads
  double score = 0;            // in [0, 1]

  [[nodiscard]] double share(double tau) const;  // rho(tau)
};

// One per controller. Throws Error(data) naming the workload where a time is not
// positive, Error(usage) where workloads have different numbers of times, or for a
// tau_max of 1 or less.
[[nodiscard]] std::vector<PerformanceProfile> performance_profiles(
    std::span<const WorkloadTimes> workloads, double tau_max = 4);

}  // namespace batchlab
