// SPDX-License-Identifier: MIT
//
// The time of a training step against its batch size:
//
//     t(B) = a + b B,   weighted least squares with weights 1 / t^2
//     R^2 = 1 - sum w (t - fit)^2 / sum w (t - mean)^2,   mean: weighted likewise
//
// The weights make relative errors count alike: a step of 10 s is not known to the
// microsecond. The t of a run's log is the median over its logged intervals of one
// batch size, so that a pause of the machine does not count.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "results/run_store.hpp"

namespace batchlab {

struct StepTimeLine {
  double a_seconds = 0;  // per step
  double b_seconds_per_example = 0;
  std::vector<double> residuals;  // (t - fit) / t, in the order given
  double largest_residual = 0;    // of their magnitudes
  double residual_root_mean_square = 0;
  double r_squared = 0;  // 1 where all t are equal

  // The fitted step time, in seconds.
  [[nodiscard]] double at(double batch_size) const {
    return a_seconds + b_seconds_per_example * batch_size;
  }
};

// `step_seconds` belong to `batch_sizes`, one each. Absent where fewer than two batch
// sizes differ. Throws Error(data) for a time that is not positive and finite,
// Error(usage) for different numbers of both.
[[nodiscard]] std::optional<StepTimeLine> fit_step_time_line(
    std::span<const double> batch_sizes, std::span<const double> step_seconds);

struct StepTimePoint {
  double batch_size = 0;
  double step_seconds = 0;    // median over the intervals
  std::size_t intervals = 0;  // of at least a millisecond
  double examples_per_second = 0;
};

struct StepTimes {
  std::vector<StepTimePoint> points;  // by batch size
  std::size_t intervals_left_out = 0;
  std::optional<StepTimeLine> line;  // over the points
  std::vector<std::string> notes;    // what the log cannot tell, and doubts
};

// From the logs of one or more runs of one machine and network. Left out are intervals
// between logged steps in which not all batches were of one size (as the examples seen
// tell). Intervals shorter than a millisecond are put together, as logs have
// microseconds. So are sizes of fewer than 1 in 100 intervals, where the others have
// most.
[[nodiscard]] StepTimes step_times(std::span<const std::vector<LoggedStep>> runs);

// Each run whose log can be read, by itself, and all of them together.
struct RunStepTimes {
  const Run* run = nullptr;
  StepTimes times;
};
struct AllStepTimes {
  std::vector<RunStepTimes> runs;
  StepTimes together;
};
[[nodiscard]] AllStepTimes all_step_times(std::span<const Run* const> runs);

// For machines, by specification: lines with their figures, and every point with its
// fitted time and residual. As JSON an object by the names of the specifications; as
// CSV a row a point, `of` being "run", or "all runs" without controller and seed.
[[nodiscard]] nlohmann::json step_times_json(std::span<const Run> runs);
[[nodiscard]] std::string step_times_csv(std::span<const Run> runs);

struct TimeShare {
  std::string name;
  double seconds = 0;
  double share = 0;  // of their sum
};

// In the order in which a page shows them.
inline constexpr const char* kTimeKinds[] = {"forward, backward, update",
                                             "rest of training",
                                             "training",
                                             "data",
                                             "statistics",
                                             "decisions",
                                             "evaluation",
                                             "rest"};

struct TimeShares {
  std::vector<TimeShare> told;        // some of kTimeKinds, in that order
  std::vector<std::string> not_told;  // a sentence each
};

// Where the time of a run went, as far as run.json says. Of training, what is not data,
// statistics or decisions is the forward and backward pass and the update; in records
// that lack some of the three it is the rest of training, with what is lacking in it.
// Data and statistics are means over the threads: what a thread waits for others is not
// in them. The rest (start, logging, checkpoints) is from the run's whole seconds of
// begin and end, good to a second.
[[nodiscard]] TimeShares time_shares(const Run& run);

}  // namespace batchlab
