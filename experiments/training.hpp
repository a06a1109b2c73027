// SPDX-License-Identifier: MIT
//
// The step-level training loop: the batch size is a decision taken at every step.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "controllers/coupling.hpp"
#include "controllers/limited_controller.hpp"
#include "experiments/specification.hpp"
#include "nn/gradient_statistics.hpp"
#include "nn/training_step.hpp"

namespace batchlab {

// What is told while a run goes on: rows for files, or for eyes.
class RunObserver {
 public:
  virtual ~RunObserver() = default;
  // `wanted` by the rule, `used` after the safety layer; the first is for step 1.
  virtual void on_decision(const Statistics& at, const Decision& wanted,
                           const LimitedDecision& used) = 0;
  // The same of a shadow, by its label; at the same steps.
  virtual void on_shadow_decision(const Statistics&, const std::string&,
                                  const Decision&, const LimitedDecision&) {}
  virtual void on_step(const Statistics& after, double training_seconds) = 0;
  virtual void on_evaluation(const Statistics& at, double training_seconds,
                             const std::string& split,
                             const EvaluationResult& result) = 0;
};

enum class RunStatus { finished, diverged, interrupted };

struct RunResult {
  RunStatus status = RunStatus::finished;
  std::string reason;           // of what is not finished, in words
  Statistics last;              // after the last step
  double training_seconds = 0;  // steps, statistics and decisions; no shadow's
  double evaluation_seconds = 0;
  std::optional<Statistics> target_reached;  // where the target was first met
  std::size_t parameter_count = 0;
};

class TrainingRun {
 public:
  // Builds everything that the run needs; trains nothing. `source` must outlive this.
  // Throws Error(usage) for what only the data can tell (a batch size above the
  // training set), Error(data) or Error(corrupt) for initial weights that cannot be
  // used.
  TrainingRun(const RunConfiguration& configuration, const DataSource& source,
              std::size_t threads);

  // Trains until the budget is spent, the target stops it, it diverges, or
  // `interrupted` becomes true. Once.
  [[nodiscard]] RunResult train(RunObserver& observer,
                                const std::atomic<int>& interrupted);

  // Goes through the steps of train() without training or evaluating: the decisions and
  // learning rates are those that train() will make, where why_not_planned() is empty.
  // Once, and not before train().
  void plan(RunObserver& observer);

  // Why the steps depend on more than the configuration; empty where they do not.
  [[nodiscard]] std::string why_not_planned() const;

  // The statistics that are measured: what the controller and its shadows need and what
  // is to be logged.
  [[nodiscard]] Needs measured() const { return measured_; }

  // Weights ("layers.0.weight", inputs x units; "layers.0.bias"), optimizer state
  // ("optimizer.<name>", flat) and, as metadata, counters and controller state.
  void write_checkpoint(const std::string& path);

 private:
  [[nodiscard]] std::int64_t next_batch_size();
  // What the coupling makes of a step of so many examples.
  struct CoupledStep {
    double factor = 1;             // of the learning rate
    double batch_ratio = 1;        // for the optimizer's moments
    double schedule_examples = 0;  // as many count for the schedule
  };
  [[nodiscard]] CoupledStep couple(std::int64_t batch_size) const;
  [[nodiscard]] double learning_rate(double coupling_factor) const;
  void measure(const Batch& batch, double batch_loss,
               const TrainingStep::Update& update);
  void measure_noise(const TrainingStep::Update& update);
  void tell_decisions(RunObserver& observer);
  [[nodiscard]] bool evaluation_due() const;
  [[nodiscard]] bool evaluate_where_due(RunObserver& observer, RunResult& result,
                                        double training_seconds);
  void evaluate(RunObserver& observer, RunResult& result, double training_seconds);
  [[nodiscard]] bool budget_spent(double training_seconds) const;
  void load_initial_weights(const std::string& path);

  RunConfiguration configuration_;
  const DataSource& source_;
  Split split_;
  std::vector<std::uint32_t> test_examples_;
  Network network_;
  Array parameters_;
  std::unique_ptr<Optimizer> optimizer_;
  ThreadPool threads_;
  TrainingStep step_;
  DataStream stream_;
  bool planning_ = false;  // steps are not trained

  // A rule that is asked, but not followed.
  struct Shadow {
    std::string label;
    LimitedController controller;
  };
  static std::vector<Shadow> make_shadows(const RunConfiguration& configuration,
                                          const Split& split);

  LimitedController controller_;
  std::vector<Shadow> shadows_;
  const Coupling& coupling_;
  LearningRateSchedule schedule_;
  Needs needs_;                // of the controller and its shadows
  Needs measured_;             // of these, coupling and log
  Measurements measurements_;  // what the step has to measure for them
  NoiseScaleAverage noise_;

  Statistics statistics_;  // after the last step
  std::int64_t reference_batch_size_ = 0;
  std::optional<double> noise_scale_;  // the last one known, for the coupling
  double schedule_examples_ = 0;       // as the coupling counts them
  std::int64_t last_evaluation_examples_ = 0, last_evaluation_epoch_ = 0;
  double loss_since_evaluation_ = 0;  // sum over examples
  std::int64_t examples_since_evaluation_ = 0;
};

}  // namespace batchlab
