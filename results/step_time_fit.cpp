// SPDX-License-Identifier: MIT
#include "results/step_time_fit.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "controllers/error.hpp"
#include "results/sample_statistics.hpp"

namespace batchlab {
namespace {

// Logs have microseconds: a shorter interval would be known to a few of its own steps.
constexpr double kLeastSeconds = 1e-3;
// Below it less than half of the spread is the line's.
constexpr double kLeastRSquared = 0.5;

void check(std::span<const double> batch_sizes, std::span<const double> step_seconds) {
  if (batch_sizes.size() != step_seconds.size()) {
    throw Error(ErrorKind::usage,
                fmt::format("step time: {} batch sizes and {} times, must be as many",
                            batch_sizes.size(), step_seconds.size()));
  }
  for (const double seconds : step_seconds) {
    if (seconds > 0 && std::isfinite(seconds)) continue;
    throw Error(ErrorKind::data,
                fmt::format("step time: must be positive, got {}", seconds));
  }
}

// Sums of weighted products about the weighted means.
struct Moments {
  double mean_size = 0, mean_seconds = 0;
  double size_size = 0, size_seconds = 0, seconds_seconds = 0;
};

Moments moments_of(std::span<const double> sizes, std::span<const double> seconds) {
  Moments moments;
  double total = 0;
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    const double weight = 1 / (seconds[i] * seconds[i]);
    total += weight;
    moments.mean_size += weight * sizes[i];
    moments.mean_seconds += weight * seconds[i];
  }
  moments.mean_size /= total;
  moments.mean_seconds /= total;
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    const double weight = 1 / (seconds[i] * seconds[i]);
    const double size = sizes[i] - moments.mean_size;
    const double time = seconds[i] - moments.mean_seconds;
    moments.size_size += weight * size * size;
    moments.size_seconds += weight * size * time;
    moments.seconds_seconds += weight * time * time;
  }
  return moments;
}

using TimesBySize = std::map<std::int64_t, std::vector<double>>;

// Whether all batches between two logged steps had the size of the last.
bool one_size(const LoggedStep& first, const LoggedStep& last) {
  const auto steps = last.step - first.step;
  return steps > 0 && last.training_seconds >= first.training_seconds &&
         last.examples_seen - first.examples_seen == steps * last.batch_size;
}

// Adds the times of `steps` by batch size. Returns how many intervals are of no use.
std::size_t add_times(const std::vector<LoggedStep>& steps, TimesBySize& by_size) {
  std::size_t left_out = 0, begin = 0;
  for (std::size_t i = 1; i < steps.size(); ++i) {
    if (!one_size(steps[i - 1], steps[i])) {
      ++left_out;
      begin = i;
      continue;
    }
    if (steps[i].batch_size != steps[i - 1].batch_size) begin = i - 1;
    const double seconds = steps[i].training_seconds - steps[begin].training_seconds;
    if (!(seconds >= kLeastSeconds)) continue;
    const auto count = static_cast<double>(steps[i].step - steps[begin].step);
    by_size[steps[i].batch_size].push_back(seconds / count);
    begin = i;
  }
  return left_out;
}

// Takes out sizes of fewer than 1 in 100 intervals where the others have nine tenths of
// them: short last batches of epochs, which come in between and are slow for their
// size. Returns how many.
std::size_t leave_out_rare(TimesBySize& by_size) {
  std::size_t all = 0, common = 0;
  for (const auto& [size, seconds] : by_size) all += seconds.size();
  for (const auto& [size, seconds] : by_size) {
    if (100 * seconds.size() >= all) common += seconds.size();
  }
  if (10 * common < 9 * all) return 0;
  return std::erase_if(by_size,
                       [&](const auto& one) { return 100 * one.second.size() < all; });
}

// Why not to take the line for what a step costs.
void note_doubts(const StepTimeLine& line, std::size_t sizes,
                 std::vector<std::string>& notes) {
  if (sizes == 2) {
    notes.emplace_back(
        "2 batch sizes: any two lie on a line, so that R squared and residuals say "
        "nothing");
    return;
  }
  if (line.a_seconds < 0) {
    notes.emplace_back(
        "the time per step comes out negative: it is too small to be told");
  }
  if (line.b_seconds_per_example <= 0) {
    notes.emplace_back(
        "the time per example comes out as none or negative: steps did not take longer "
        "with more examples, and the line does not tell what they cost");
  }
  if (line.r_squared < kLeastRSquared) {
    notes.push_back(fmt::format(
        "R squared is below {}: the line describes these times badly", kLeastRSquared));
  }
}

void add_line(StepTimes& times) {
  std::vector<double> sizes, seconds;
  for (const StepTimePoint& point : times.points) {
    sizes.push_back(point.batch_size);
    seconds.push_back(point.step_seconds);
  }
  times.line = fit_step_time_line(sizes, seconds);
  if (!times.line) {
    times.notes.push_back(
        fmt::format("{} batch size{} measured: time per step and per example cannot be "
                    "told apart",
                    sizes.size(), sizes.size() == 1 ? "" : "s"));
    return;
  }
  note_doubts(*times.line, sizes.size(), times.notes);
}

}  // namespace

std::optional<StepTimeLine> fit_step_time_line(std::span<const double> batch_sizes,
                                               std::span<const double> step_seconds) {
  check(batch_sizes, step_seconds);
  const bool differ =
      std::any_of(batch_sizes.begin(), batch_sizes.end(),
                  [&](double size) { return size != batch_sizes.front(); });
  if (!differ) return std::nullopt;
  const Moments moments = moments_of(batch_sizes, step_seconds);
  StepTimeLine line;
  line.b_seconds_per_example = moments.size_seconds / moments.size_size;
  line.a_seconds =
      moments.mean_seconds - line.b_seconds_per_example * moments.mean_size;
  double squares = 0;
  for (std::size_t i = 0; i < batch_sizes.size(); ++i) {
    const double residual =
        (step_seconds[i] - line.at(batch_sizes[i])) / step_seconds[i];
    line.residuals.push_back(residual);
    line.largest_residual = std::max(line.largest_residual, std::abs(residual));
    squares += residual * residual;
  }
  line.residual_root_mean_square =
      std::sqrt(squares / static_cast<double>(batch_sizes.size()));
  line.r_squared =
      moments.seconds_seconds == 0 ? 1 : 1 - squares / moments.seconds_seconds;
  return line;
}

StepTimes step_times(std::span<const std::vector<LoggedStep>> runs) {
  StepTimes times;
  TimesBySize by_size;
  for (const auto& steps : runs) times.intervals_left_out += add_times(steps, by_size);
  if (const std::size_t rare = leave_out_rare(by_size); rare > 0) {
    times.notes.push_back(
        fmt::format("{} batch size{} of less than 1 step in 100 left out: short last "
                    "batches of epochs",
                    rare, rare == 1 ? "" : "s"));
  }
  for (const auto& [size, seconds] : by_size) {
    const double middle = *median(seconds);
    const auto examples = static_cast<double>(size);
    times.points.push_back({examples, middle, seconds.size(), examples / middle});
  }
  add_line(times);
  return times;
}

AllStepTimes all_step_times(std::span<const Run* const> runs) {
  AllStepTimes all;
  std::vector<std::vector<LoggedStep>> logs;
  for (const Run* run : runs) {
    try {
      logs.push_back(read_steps(run->folder));
      all.runs.push_back({run, step_times({&logs.back(), 1})});
    } catch (const Error&) {  // told where its curves are read
    }
  }
  all.together = step_times(logs);
  return all;
}

}  // namespace batchlab
