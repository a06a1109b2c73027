// SPDX-License-Identifier: MIT
//
// When a run is evaluated, and when it ends.
#include <chrono>

#include "experiments/training.hpp"

namespace batchlab {

// True where the run ends: budget spent, or stopped at its target.
bool TrainingRun::evaluate_where_due(RunObserver& observer, RunResult& result,
                                     double training_seconds) {
  const bool last = budget_spent(training_seconds);
  if (last) give_up_trial();
  const bool new_step = statistics_.examples_seen > last_evaluation_examples_;
  if (new_step && !planning_ && (last || evaluation_due())) {
    const auto begin = std::chrono::steady_clock::now();
    evaluate(observer, result, training_seconds);
    result.evaluation_seconds +=
        std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  }
  return last || (result.target_reached && configuration_.target->stop);
}

bool TrainingRun::evaluation_due() const {
  if (controller_.wanted().branching.trial) return false;
  if (!configuration_.evaluate_every_examples) {
    return statistics_.epochs_completed > last_evaluation_epoch_;
  }
  const std::int64_t every = *configuration_.evaluate_every_examples;
  return statistics_.examples_seen / every > last_evaluation_examples_ / every;
}

void TrainingRun::evaluate(RunObserver& observer, RunResult& result,
                           double training_seconds) {
  last_evaluation_epoch_ = statistics_.epochs_completed;
  last_evaluation_examples_ = statistics_.examples_seen;
  if (examples_since_evaluation_ > 0) {
    statistics_.training_loss =
        loss_since_evaluation_ / static_cast<double>(examples_since_evaluation_);
  }
  loss_since_evaluation_ = 0;
  examples_since_evaluation_ = 0;
  const auto report = [&](const std::string& split,
                          const EvaluationResult& evaluation) {
    observer.on_evaluation(statistics_, training_seconds, split, evaluation);
    const auto& target = configuration_.target;
    if (target && target->split == split && target->reached(evaluation) &&
        !result.target_reached) {
      result.target_reached = statistics_;
    }
  };
  if (!split_.validation.empty()) {
    const EvaluationResult validation =
        step_.evaluate(source_.training, split_.validation);
    report("validation", validation);
    statistics_.validation_loss = validation.loss;
    statistics_.validation_accuracy = validation.accuracy;
  }
  report("test", step_.evaluate(source_.test, test_examples_));
}

bool TrainingRun::budget_spent(double training_seconds) const {
  const Budget& budget = configuration_.budget;
  // Examples that were given up count.
  const bool epochs_seen =
      budget.epochs && branches_ &&
      statistics_.examples_seen >= *budget.epochs * stream_.epoch_examples();
  return epochs_seen ||
         (budget.epochs && statistics_.epochs_completed >= *budget.epochs) ||
         (budget.examples && statistics_.examples_seen >= *budget.examples) ||
         (budget.steps && statistics_.step >= *budget.steps) ||
         (budget.seconds && training_seconds >= *budget.seconds);
}

}  // namespace batchlab
