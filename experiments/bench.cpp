// SPDX-License-Identifier: MIT
#include "experiments/bench.hpp"

#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "controllers/error.hpp"
#include "experiments/environment.hpp"
#include "experiments/training.hpp"

namespace batchlab {

namespace {

// Watches a run's clock: warm-up, then how many steps fill half a repeat, then repeats.
class StepTimer final : public RunObserver {
 public:
  StepTimer(const BenchOptions& options, std::atomic<int>& stop)
      : options_(options), stop_(stop) {}

  void on_decision(const Statistics&, const Decision&,
                   const LimitedDecision&) override {}
  void on_evaluation(const Statistics&, double, const std::string&,
                     const EvaluationResult&) override {}

  void on_step(const Statistics& after, double training_seconds) override {
    if (after.step <= bench_warm_up_steps) {
      begin(after.step, training_seconds);
    } else if (steps_of_repeat_ == 0) {
      if (training_seconds - since_seconds_ < options_.repeat_seconds / 2) return;
      steps_of_repeat_ = 2 * (after.step - since_step_);
      begin(after.step, training_seconds);
    } else if (after.step - since_step_ == steps_of_repeat_) {
      step_seconds_.push_back((training_seconds - since_seconds_) /
                              static_cast<double>(steps_of_repeat_));
      begin(after.step, training_seconds);
      if (step_seconds_.size() == options_.repeats) stop_ = 1;
    }
  }

  [[nodiscard]] std::vector<double> sorted_step_seconds() const {
    std::vector<double> sorted = step_seconds_;
    std::sort(sorted.begin(), sorted.end());
    return sorted;
  }

 private:
  void begin(std::int64_t step, double seconds) {
    since_step_ = step;
    since_seconds_ = seconds;
  }

  const BenchOptions& options_;
  std::atomic<int>& stop_;
  std::int64_t since_step_ = 0, steps_of_repeat_ = 0;
  double since_seconds_ = 0;
  std::vector<double> step_seconds_;
};

// `run` with a constant batch size, no end, and no evaluation.
RunConfiguration at_constant(RunConfiguration run, std::int64_t batch_size) {
  run.controller = run.label = "constant";
  run.controller_options = {{"batch_size", batch_size}};
  run.limits = checked_options("limits", limits_options(), nlohmann::json::object());
  run.shadows.clear();
  run.coupling = "none";
  run.schedule =
      checked_options("schedule", schedule_options(), nlohmann::json::object());
  run.data.tail = EpochTail::drop;
  run.budget = {
      .epochs = {}, .examples = {}, .steps = std::int64_t{1} << 60, .seconds = {}};
  run.evaluate_every_examples = std::int64_t{1} << 60;
  run.target.reset();
  run.interventions.clear();
  return run;
}

BenchRow measure(const RunConfiguration& run, const DataSource& source,
                 std::int64_t batch_size, std::size_t threads,
                 const BenchOptions& options) {
  std::atomic<int> stop{0};
  StepTimer timer(options, stop);
  TrainingRun training(at_constant(run, batch_size), source, threads);
  if (training.train(timer, stop).status == RunStatus::diverged) {
    throw Error(ErrorKind::failed, "bench: the run diverged; lower its learning rate");
  }
  const std::vector<double> seconds = timer.sorted_step_seconds();
  const double median = seconds[seconds.size() / 2];
  return {batch_size,         threads,        median,
          seconds.front(),    seconds.back(), static_cast<double>(batch_size) / median,
          peak_memory_bytes()};
}

// The child's last words: 'r' and a BenchRow's bytes, or an ErrorKind and a message.
void answer(int pipe, char kind, const void* bytes, std::size_t size) {
  std::string message(1, kind);
  message.append(static_cast<const char*>(bytes), size);
  [[maybe_unused]] const auto written = write(pipe, message.data(), message.size());
}

std::string read_all(int pipe) {
  std::string text;
  std::array<char, 4096> block;
  for (ssize_t n; (n = read(pipe, block.data(), block.size())) != 0;) {
    if (n > 0)
      text.append(block.data(), static_cast<std::size_t>(n));
    else if (errno != EINTR)
      break;
  }
  return text;
}

BenchRow measure_in_child(const RunConfiguration& run, const DataSource& source,
                          std::int64_t batch_size, std::size_t threads,
                          const BenchOptions& options) {
  std::array<int, 2> ends{};
  std::fflush(nullptr);
  if (pipe(ends.data()) != 0) throw Error(ErrorKind::failed, std::strerror(errno));
  const pid_t child = fork();
  if (child < 0) throw Error(ErrorKind::failed, std::strerror(errno));
  if (child == 0) {
    try {
      const BenchRow row = measure(run, source, batch_size, threads, options);
      answer(ends[1], 'r', &row, sizeof row);
    } catch (const Error& error) {
      answer(ends[1], static_cast<char>(error.kind()), error.what(),
             std::strlen(error.what()));
    } catch (const std::exception& error) {
      answer(ends[1], static_cast<char>(ErrorKind::failed), error.what(),
             std::strlen(error.what()));
    }
    _exit(0);
  }
  close(ends[1]);
  const std::string text = read_all(ends[0]);
  close(ends[0]);
  waitpid(child, nullptr, 0);
  BenchRow row;
  if (text.size() == 1 + sizeof row && text[0] == 'r') {
    std::memcpy(static_cast<void*>(&row), text.data() + 1, sizeof row);
    return row;
  }
  if (!text.empty()) throw Error(static_cast<ErrorKind>(text[0]), text.substr(1));
  throw Error(
      ErrorKind::failed,
      fmt::format("bench: the process measuring batch size {} with {} threads ended "
                  "without a result",
                  batch_size, threads));
}

}  // namespace

std::vector<BenchRow> bench(const RunConfiguration& run, const DataSource& source,
                            const BenchOptions& options) {
  std::vector<BenchRow> rows;
  for (const std::size_t threads : options.threads) {
    for (const std::int64_t batch_size : options.batch_sizes) {
      rows.push_back(measure_in_child(run, source, batch_size, threads, options));
    }
  }
  return rows;
}

}  // namespace batchlab
