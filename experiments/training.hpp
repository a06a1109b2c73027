// SPDX-License-Identifier: MIT
//
// The step-level training loop: the batch size is a decision taken at every step.
#pragma once

#include <atomic>
#include <functional>
#include <map>
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
  // Before the step that follows a decision: its optimizer forgets the steps before.
  virtual void on_moments_reset() {}
  // In force from the next decision on.
  virtual void on_intervention(const Statistics&, const Intervention&) {}
  virtual void on_step(const Statistics& after, double training_seconds) = 0;
  virtual void on_evaluation(const Statistics& at, double training_seconds,
                             const std::string& split,
                             const EvaluationResult& result) = 0;
};

enum class RunStatus { finished, diverged, interrupted };

struct RunResult {
  RunStatus status = RunStatus::finished;
  std::string reason;             // of what is not finished, in words
  Statistics last;                // after the last step
  double training_seconds = 0;    // steps, statistics and decisions; no shadow's
  double controller_seconds = 0;  // its decisions alone, the first too
  double data_seconds = 0;        // order and bytes of the examples, mean over threads
  double statistics_seconds = 0;  // of gradients, as asked for; likewise
  double evaluation_seconds = 0;
  std::optional<Statistics> target_reached;  // where the target was first met
  std::int64_t examples_given_up = 0;        // of examples_seen: by going back
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

  // Asks `source` after each step of train(), and not for the interventions that the
  // configuration lists.
  void control(std::unique_ptr<InterventionSource> source);

  // What an intervention is checked against.
  [[nodiscard]] OwnLimits own_limits() const;

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

  // Whether the configuration alone decides what the run does: no clock does.
  [[nodiscard]] bool reproducible() const {
    return !configuration_.budget.seconds &&
           !controller_.needs().has(&Statistics::step_seconds);
  }

  // Weights ("layers.0.weight", inputs x units; "layers.0.bias"), optimizer state
  // ("optimizer.<name>", flat) and, as metadata, counters and controller state.
  void write_checkpoint(const std::string& path);

  // Ends the rules, as Controller::finish(): the last call.
  void finish();

 private:
  void select_subset();
  [[nodiscard]] std::int64_t next_batch_size();
  // What the coupling makes of a step of so many examples.
  struct CoupledStep {
    double factor = 1;             // of the learning rate
    double batch_ratio = 1;        // for the optimizer's moments
    double schedule_examples = 0;  // as many count for the schedule
  };
  [[nodiscard]] CoupledStep couple(std::int64_t batch_size) const;
  // The batch of a step, gone forward and backward.
  struct ForwardPass {
    std::int64_t examples = 0;
    LossSum sum;
  };
  [[nodiscard]] const Batch& take(std::int64_t batch_size);
  [[nodiscard]] ForwardPass go_forward(std::int64_t batch_size);
  void extend(ForwardPass& pass);
  [[nodiscard]] TrainingStep::Update update(std::int64_t batch_size,
                                            RunObserver& observer);
  void reset_moments_where_due(RunObserver& observer);
  void branch();
  void check(const Branching& branching) const;
  void give_up_trial();
  void keep_state(int number);
  void go_back_to(int number);
  [[nodiscard]] double learning_rate(double coupling_factor) const;
  void measure(const ForwardPass& pass, const TrainingStep::Update& update);
  [[nodiscard]] GradientEstimate noise_of(const TrainingStep::Update& update) const;
  void average_noise(std::int64_t batch_size, const GradientEstimate& noise);
  void intervene(RunObserver& observer);
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
  std::optional<WeightAverage> average_;
  DataStream stream_;
  SpentTime taking_;
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
  std::unique_ptr<InterventionSource> interventions_;  // may be none
  const Coupling& coupling_;
  LearningRateSchedule schedule_;
  Needs needs_;                // of the controller and its shadows
  Needs measured_;             // of these, coupling and log
  Measurements measurements_;  // what the step has to measure for them
  NoiseScaleAverage noise_;
  bool pair_counted_ = false;  // the last one that two_step measured
  bool extends_, branches_;    // as the rule's entry says

  // What a rule that branches returns to (controllers/controller.hpp).
  struct State {
    Array parameters;
    std::vector<Array> optimizer_arrays;
    std::vector<double> optimizer_numbers;
    std::optional<WeightAverage> average;
    DataStream::Position position;
    NoiseScaleAverage noise;
    bool pair_counted;
    std::optional<double> noise_scale;
    double schedule_examples;
    std::int64_t examples_kept, moments_batch_size;
  };
  std::map<int, State> states_;
  std::int64_t examples_kept_ = 0;       // of examples_seen: those that led here
  std::int64_t scheduled_given_up_ = 0;  // of the others: known to the schedule

  Statistics statistics_;  // after the last step
  std::int64_t reference_batch_size_ = 0;
  std::int64_t moments_batch_size_ = 0;  // in force when the moments began
  std::optional<double> noise_scale_;    // the last one known, for the coupling
  double schedule_examples_ = 0;         // as the coupling counts them
  std::int64_t last_evaluation_examples_ = 0, last_evaluation_epoch_ = 0;
  double loss_since_evaluation_ = 0;  // sum over examples
  std::int64_t examples_since_evaluation_ = 0;
};

}  // namespace batchlab
