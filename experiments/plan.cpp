// SPDX-License-Identifier: MIT
//
// An exact plan is the training loop itself with the training left out. Bounds follow
// from the limits on the batch size: with at least b and at most B examples a step,
// E epochs of n examples take E ceil(n / B) to E ceil(n / b) steps.
#include "experiments/plan.hpp"

#include <algorithm>

#include "controllers/limits.hpp"
#include "controllers/registry.hpp"
#include "experiments/measured_options.hpp"
#include "experiments/training.hpp"

namespace batchlab {

namespace {

class PhaseObserver final : public RunObserver {
 public:
  explicit PhaseObserver(Plan& plan) : plan_(plan) {}

  void on_decision(const Statistics& at, const Decision&,
                   const LimitedDecision& used) override {
    if (!plan_.phases.empty() && plan_.phases.back().batch_size == used.batch_size) {
      return;
    }
    drop_unused();
    PlanPhase phase;
    phase.batch_size = used.batch_size;
    phase.first_step = at.step + 1;
    plan_.phases.push_back(phase);
  }

  void on_step(const Statistics& after, double) override {
    PlanPhase& phase = plan_.phases.back();
    if (phase.steps == 0) phase.first_learning_rate = after.learning_rate;
    phase.last_learning_rate = after.learning_rate;
    phase.steps += 1;
    phase.examples += after.batch_size;
    plan_.least_steps = plan_.most_steps = after.step;
    plan_.least_examples = plan_.most_examples = after.examples_seen;
  }

  void on_evaluation(const Statistics&, double, const std::string&,
                     const EvaluationResult&) override {}

  // The decision after the last step is of no step.
  void drop_unused() {
    if (!plan_.phases.empty() && plan_.phases.back().steps == 0)
      plan_.phases.pop_back();
  }

 private:
  Plan& plan_;
};

std::int64_t divide_up(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

void set_bounds(Plan& plan, const RunConfiguration& configuration,
                std::int64_t epoch_examples) {
  const Limits limits = limits_from(configuration.limits, {epoch_examples});
  const std::int64_t most =
      std::min(limits.maximum > 0 ? limits.maximum : epoch_examples, epoch_examples);
  const std::int64_t least = std::min(limits.minimum, most);
  const Budget& budget = configuration.budget;
  if (budget.steps) {
    plan.least_steps = plan.most_steps = *budget.steps;
    plan.least_examples = *budget.steps * least;
    plan.most_examples = *budget.steps * most;
  } else if (budget.examples) {
    plan.least_examples = plan.most_examples = *budget.examples;
    plan.least_steps = divide_up(*budget.examples, most);
    plan.most_steps = divide_up(*budget.examples, least);
  } else if (budget.epochs) {
    plan.least_examples = plan.most_examples = *budget.epochs * epoch_examples;
    plan.least_steps = *budget.epochs * divide_up(epoch_examples, most);
    plan.most_steps = *budget.epochs * divide_up(epoch_examples, least);
  }
}

}  // namespace

Plan make_plan(const RunConfiguration& configuration, const DataSource& source) {
  TrainingRun run(configuration, source, 1);
  Plan plan;
  plan.label = configuration.label;
  plan.unset_measured = unset_measured(configuration);
  plan.reason = run.why_not_planned();
  if (!plan.reason.empty()) {
    const Split split = make_split(configuration.data, source.training);
    set_bounds(plan, configuration, static_cast<std::int64_t>(split.training.size()));
    return plan;
  }
  PhaseObserver observer(plan);
  run.plan(observer);
  observer.drop_unused();
  return plan;
}

}  // namespace batchlab
