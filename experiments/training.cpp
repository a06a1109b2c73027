// SPDX-License-Identifier: MIT
#include "experiments/training.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <numeric>

#include "controllers/error.hpp"

namespace batchlab {

namespace {

// Sums the time between resume() and pause().
class Clock {
 public:
  void resume() { since_ = std::chrono::steady_clock::now(); }
  void pause() { total_ += std::chrono::steady_clock::now() - since_; }
  [[nodiscard]] double seconds() const {
    return std::chrono::duration<double>(total_).count();
  }

 private:
  std::chrono::steady_clock::time_point since_;
  std::chrono::steady_clock::duration total_{0};
};

std::int64_t budget_examples(const Budget& budget, std::int64_t epoch_examples) {
  if (budget.examples) return *budget.examples;
  return budget.epochs ? *budget.epochs * epoch_examples : 0;
}

// What is measured on the way to `needs`, and so is logged too.
Needs with_components(Needs needs) {
  constexpr Needs interval{&Statistics::noise_scale_low, &Statistics::noise_scale_high};
  constexpr Needs noise{&Statistics::gradient_norm_squared,
                        &Statistics::gradient_variance_trace,
                        &Statistics::true_gradient_norm_squared};
  if (needs.has_any(interval | Needs{&Statistics::noise_scale})) {
    return needs | noise | interval | Needs{&Statistics::noise_scale};
  }
  return needs.has(&Statistics::true_gradient_norm_squared) ? needs | noise : needs;
}

// What a step has to measure so that `needs`, with their components, can be told.
Measurements measurements_for(Needs needs, Estimator estimator) {
  const bool noise = needs.has(&Statistics::gradient_variance_trace);
  return {.examples = needs.has(&Statistics::example_gradient_norm_squared_mean) ||
                      (noise && estimator == Estimator::per_example),
          .lanes = noise && estimator == Estimator::micro_batch,
          .halves = needs.has(&Statistics::half_batch_cosine),
          .steps = noise && estimator == Estimator::two_step,
          .inner_products = needs.has_any(
              {&Statistics::inner_product_variance, &Statistics::orthogonal_variance})};
}

// Throws where the rule `label` reads what this run cannot measure.
void check_needs(const std::string& label, Needs needs, const Split& split,
                 const std::string& set) {
  const bool validation = needs.has(&Statistics::validation_loss) ||
                          needs.has(&Statistics::validation_accuracy);
  if (validation && split.validation.empty()) {
    throw Error(
        ErrorKind::usage,
        fmt::format("{}: needs a validation split; set data.validation_fraction "
                    "above 0, or another metric of the rule",
                    label));
  }
  if (needs.has(&Statistics::validation_accuracy) && find_data_set(set).generated) {
    throw Error(ErrorKind::usage,
                fmt::format("{}: needs an accuracy, which data.set = \"{}\" has not; "
                            "set another metric of the rule, as validation_loss",
                            label, set));
  }
}

Setting setting_of(const Split& split) {
  return {static_cast<std::int64_t>(split.training.size())};
}

}  // namespace

std::vector<TrainingRun::Shadow> TrainingRun::make_shadows(
    const RunConfiguration& configuration, const Split& split) {
  std::vector<Shadow> shadows;
  for (const ShadowConfiguration& shadow : configuration.shadows) {
    try {
      shadows.push_back({shadow.label,
                         {shadow.controller, shadow.controller_options, shadow.limits,
                          setting_of(split)}});
    } catch (const Error& error) {
      throw Error(error.kind(),
                  fmt::format("shadow {}: {}", shadow.label, error.what()));
    }
    check_needs("shadow " + shadow.label, shadows.back().controller.needs(), split,
                configuration.data.set);
  }
  return shadows;
}

TrainingRun::TrainingRun(const RunConfiguration& configuration,
                         const DataSource& source, std::size_t threads)
    : configuration_(configuration),
      source_(source),
      split_(make_split(configuration.data, source.training)),
      test_examples_(source.test.examples()),
      network_(source.training.features(), configuration.layers),
      parameters_(network_.initial_parameters(configuration.seed)),
      optimizer_(make_optimizer(configuration.optimizer, network_.parameter_count())),
      threads_(threads),
      step_(network_, source.training, configuration.data.input_scale, parameters_,
            *optimizer_, threads_, configuration.cut, configuration.seed),
      stream_(split_.training, configuration.data.shuffle, configuration.data.tail,
              configuration.seed),
      controller_(configuration.controller, configuration.controller_options,
                  configuration.limits, setting_of(split_)),
      shadows_(make_shadows(configuration, split_)),
      coupling_(find_coupling(configuration.coupling)),
      schedule_(configuration.schedule,
                budget_examples(configuration.budget,
                                static_cast<std::int64_t>(split_.training.size()))),
      needs_(std::accumulate(shadows_.begin(), shadows_.end(), controller_.needs(),
                             [](Needs needs, const Shadow& shadow) {
                               return needs | shadow.controller.needs();
                             })),
      measured_(with_components(
          needs_ | configuration.measured |
          (coupling_.reads_noise_scale ? Needs{&Statistics::noise_scale} : Needs{}))),
      measurements_(measurements_for(measured_, configuration.estimator)),
      noise_(configuration.noise_scale_horizon) {
  check_needs(configuration_.label, controller_.needs(), split_,
              configuration_.data.set);
  if (network_.outputs() < source.training.classes) {
    throw Error(ErrorKind::usage,
                fmt::format("model: the last layer has {} units, the data {} classes",
                            network_.outputs(), source.training.classes));
  }
  if (configuration_.target && configuration_.target->split == "validation" &&
      split_.validation.empty()) {
    throw Error(ErrorKind::usage, "target: the validation split is empty");
  }
  std::iota(test_examples_.begin(), test_examples_.end(), 0U);
  statistics_.training_set_size = static_cast<std::int64_t>(split_.training.size());
  if (!configuration_.initial_weights.empty()) {
    load_initial_weights(configuration_.initial_weights);
  }
}

RunResult TrainingRun::train(RunObserver& observer,
                             const std::atomic<int>& interrupted) {
  RunResult result;
  result.parameter_count = network_.parameter_count();
  Clock clock;
  controller_.decide(statistics_);
  tell_decisions(observer);
  reference_batch_size_ =
      configuration_.reference_batch_size.value_or(controller_.used().batch_size);
  double training_seconds = 0;  // at the end of the last step

  while (true) {
    // Choose: what the rule wanted, within its limits and what is left of the budget.
    const Subset all{0, statistics_.training_set_size};
    const Subset subset = controller_.wanted().subset.value_or(all);
    stream_.select(subset.first, subset.count);
    const std::int64_t batch_size = next_batch_size();
    if (evaluate_where_due(observer, result, training_seconds)) break;

    // Take: the next examples of the epoch.
    clock.resume();
    const Batch& batch = stream_.take(batch_size);
    const CoupledStep coupled = couple(static_cast<std::int64_t>(batch.size()));
    statistics_.learning_rate = learning_rate(coupled.factor);
    schedule_examples_ += coupled.schedule_examples;

    // Forward and backward: gradient sums of the batch. Then measure and update: the
    // mean gradient, its norms, the optimizer, in one pass.
    LossSum loss;
    TrainingStep::Update update;
    if (!planning_) {
      loss = step_.forward_backward(batch, measurements_);
      update = step_.update(statistics_.learning_rate, coupled.batch_ratio);
    }
    measure(batch, loss.loss / static_cast<double>(batch.size()), update);
    clock.pause();
    training_seconds = clock.seconds();

    // Record.
    observer.on_step(statistics_, training_seconds);
    if (!std::isfinite(statistics_.batch_loss) || !update.parameters_finite) {
      result.status = RunStatus::diverged;
      result.reason = fmt::format("{} became not finite at step {}",
                                  update.parameters_finite ? "loss" : "parameters",
                                  statistics_.step);
      break;
    }

    // Evaluate, outside the clock; the run may end here.
    if (evaluate_where_due(observer, result, training_seconds)) break;

    // Decide: the batch size of the next step.
    clock.resume();
    controller_.decide(statistics_);
    clock.pause();
    tell_decisions(observer);

    if (interrupted != 0) {
      result.status = RunStatus::interrupted;
      result.reason = fmt::format("interrupted at step {}", statistics_.step);
      break;
    }
  }
  result.last = statistics_;
  result.training_seconds = clock.seconds();
  return result;
}

void TrainingRun::plan(RunObserver& observer) {
  planning_ = true;
  shadows_.clear();
  const std::atomic<int> never{0};
  (void)train(observer, never);
}

std::string TrainingRun::why_not_planned() const {
  if (!find_controller(configuration_.controller).open_loop) {
    return "the rule reads what is measured";
  }
  if (coupling_.reads_noise_scale) {
    return "coupling " + coupling_.name + " reads the noise scale";
  }
  if (configuration_.budget.seconds) return "the budget is in seconds";
  if (configuration_.target && configuration_.target->stop) {
    return "the run stops at its target";
  }
  return "";
}

std::int64_t TrainingRun::next_batch_size() {
  const Budget& budget = configuration_.budget;
  std::int64_t batch_size = controller_.used().batch_size;
  if (budget.examples) {
    batch_size = std::min(batch_size, *budget.examples - statistics_.examples_seen);
  }
  if (budget.epochs && configuration_.data.tail == EpochTail::carry) {
    const std::int64_t epochs_left = *budget.epochs - stream_.epochs_completed();
    batch_size =
        std::min(batch_size, epochs_left * stream_.epoch_examples() - stream_.cursor());
  }
  stream_.skip_short_tail(batch_size);
  statistics_.epochs_completed = stream_.epochs_completed();
  return batch_size;
}

TrainingRun::CoupledStep TrainingRun::couple(std::int64_t batch_size) const {
  const CouplingInput input{static_cast<double>(batch_size),
                            static_cast<double>(reference_batch_size_),
                            noise_scale_.value_or(0), configuration_.coupling_power};
  CoupledStep step;
  if (!coupling_.reads_noise_scale || noise_scale_)
    step.factor = coupling_.factor(input);
  if (coupling_.scales_moments) {
    step.batch_ratio = input.batch_size / input.reference_batch_size;
  }
  step.schedule_examples = coupling_.counts_gain
                               ? step.factor * input.reference_batch_size
                               : input.batch_size;
  return step;
}

// base rate x the rule's factor x schedule(examples) x coupling x overflow
double TrainingRun::learning_rate(double coupling_factor) const {
  const Decision& wanted = controller_.wanted();
  const double base = wanted.learning_rate.value_or(configuration_.learning_rate);
  const auto examples = static_cast<std::int64_t>(schedule_examples_);
  return base * wanted.learning_rate_factor * schedule_.factor(examples) *
         coupling_factor * controller_.used().learning_rate_factor;
}

void TrainingRun::measure(const Batch& batch, double batch_loss,
                          const TrainingStep::Update& update) {
  const auto batch_size = static_cast<std::int64_t>(batch.size());
  statistics_.step += 1;
  statistics_.examples_seen += batch_size;
  statistics_.epochs_completed = stream_.epochs_completed();
  statistics_.batch_size = batch_size;
  statistics_.batch_loss = batch_loss;
  loss_since_evaluation_ += batch_loss * static_cast<double>(batch_size);
  examples_since_evaluation_ += batch_size;

  statistics_.gradient_norm_squared = update.gradient.gradient_norm_squared;
  measure_noise(update);
  statistics_.half_batch_cosine = update.half_batch_cosine;
  if (update.examples.groups > 0) {
    statistics_.example_gradient_norm_squared_mean =
        update.examples.weighted_norms_squared / static_cast<double>(batch_size);
  }
  const DirectionalVariances variances = estimate(update.inner_products, batch_size);
  statistics_.inner_product_variance = variances.inner_product_variance;
  statistics_.orthogonal_variance = variances.orthogonal_variance;
  statistics_ = only(statistics_, measured_);
}

// With two_step the estimate is of the two last batches.
void TrainingRun::measure_noise(const TrainingStep::Update& update) {
  const GroupedGradients& groups = measurements_.steps   ? update.steps
                                   : measurements_.lanes ? update.lanes
                                                         : update.examples;
  const GradientEstimate noise = estimate(groups, stream_.epoch_examples());
  if (noise.gradient_variance_trace) {
    noise_.add(update.gradient.batch_size, *noise.gradient_variance_trace,
               *noise.true_gradient_norm_squared);
  }
  const auto interval = noise_.interval();
  statistics_.gradient_variance_trace = noise.gradient_variance_trace;
  statistics_.true_gradient_norm_squared = noise.true_gradient_norm_squared;
  statistics_.noise_scale = noise_.noise_scale();
  statistics_.noise_scale_low.reset();
  statistics_.noise_scale_high.reset();
  if (interval) {
    statistics_.noise_scale_low = interval->low;
    statistics_.noise_scale_high = interval->high;
  }
  if (statistics_.noise_scale.value_or(0) > 0) noise_scale_ = statistics_.noise_scale;
}

// Asks the shadows too, outside the clock: the run pays for what they need, no more.
void TrainingRun::tell_decisions(RunObserver& observer) {
  observer.on_decision(statistics_, controller_.wanted(), controller_.used());
  for (auto& [label, shadow] : shadows_) {
    shadow.decide(statistics_);
    observer.on_shadow_decision(statistics_, label, shadow.wanted(), shadow.used());
  }
  // A check is told once.
  statistics_.validation_loss.reset();
  statistics_.validation_accuracy.reset();
  statistics_.training_loss.reset();
}

// True where the run ends: budget spent, or stopped at its target.
bool TrainingRun::evaluate_where_due(RunObserver& observer, RunResult& result,
                                     double training_seconds) {
  const bool last = budget_spent(training_seconds);
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
  statistics_.training_loss =
      loss_since_evaluation_ / static_cast<double>(examples_since_evaluation_);
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
  return (budget.epochs && statistics_.epochs_completed >= *budget.epochs) ||
         (budget.examples && statistics_.examples_seen >= *budget.examples) ||
         (budget.steps && statistics_.step >= *budget.steps) ||
         (budget.seconds && training_seconds >= *budget.seconds);
}

}  // namespace batchlab
