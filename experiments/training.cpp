// SPDX-License-Identifier: MIT
#include "experiments/training.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <numeric>

#include "controllers/error.hpp"
#include "experiments/measured_needs.hpp"

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
      noise_(configuration.noise_scale_horizon),
      extends_(find_controller(configuration.controller).extends_batches),
      branches_(find_controller(configuration.controller).branches) {
  check_needs(configuration_.label, controller_.needs(), split_,
              configuration_.data.set);
  if (extends_ && configuration_.estimator == Estimator::two_step) {
    throw Error(ErrorKind::usage,
                fmt::format("{}: extends its batch within the step, of which estimator "
                            "two_step knows nothing; set statistics.estimator to "
                            "per_example or micro_batch",
                            configuration_.label));
  }
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
  if (configuration_.average_decay) {
    average_.emplace(*configuration_.average_decay, parameters_.size());
    step_.average_into(*average_);
  }
  control(logged_interventions(configuration_.interventions, own_limits()));
}

RunResult TrainingRun::train(RunObserver& observer,
                             const std::atomic<int>& interrupted) {
  RunResult result;
  result.parameter_count = network_.parameter_count();
  Clock clock, deciding;
  const auto decide = [&] {
    deciding.resume();
    controller_.decide(statistics_);
    deciding.pause();
  };
  decide();
  tell_decisions(observer);
  moments_batch_size_ = controller_.used().batch_size;
  reference_batch_size_ =
      configuration_.reference_batch_size.value_or(moments_batch_size_);
  double training_seconds = 0;  // at the end of the last step

  while (true) {
    // Choose: what the rule wanted, within its limits and what is left of the budget.
    select_subset();
    const std::int64_t batch_size = next_batch_size();
    if (evaluate_where_due(observer, result, training_seconds)) break;

    // Take the next examples of the epoch; forward and backward: their gradient sums.
    clock.resume();
    const ForwardPass pass = go_forward(batch_size);

    // Measure and update: the mean gradient, its norms, the optimizer, in one pass.
    const TrainingStep::Update updated = update(pass.examples, observer);
    measure(pass, updated);
    clock.pause();
    if (measured_.has(&Statistics::step_seconds)) {
      statistics_.step_seconds = clock.seconds() - training_seconds;
    }
    training_seconds = clock.seconds();

    // Record.
    observer.on_step(statistics_, training_seconds);
    const bool finite =
        std::isfinite(statistics_.batch_loss) && updated.parameters_finite;
    if (!finite && !controller_.wanted().branching.trial) {
      result.status = RunStatus::diverged;
      result.reason = fmt::format("{} became not finite at step {}",
                                  updated.parameters_finite ? "loss" : "parameters",
                                  statistics_.step);
      break;
    }

    // Evaluate, outside the clock; the run may end here.
    if (evaluate_where_due(observer, result, training_seconds)) break;

    // Decide: the batch size of the next step, as far as nobody intervenes.
    intervene(observer);
    clock.resume();
    decide();
    branch();
    clock.pause();
    tell_decisions(observer);

    if (interrupted != 0) {
      give_up_trial();
      result.status = RunStatus::interrupted;
      result.reason = fmt::format("interrupted at step {}", statistics_.step);
      break;
    }
  }
  result.last = statistics_;
  result.examples_given_up = statistics_.examples_seen - examples_kept_;
  result.training_seconds = clock.seconds();
  result.controller_seconds = deciding.seconds();
  const TrainingStep::Seconds within = step_.seconds();
  result.data_seconds = taking_.data_seconds() + within.data;
  result.statistics_seconds = within.statistics;
  return result;
}

// The other threads wait meanwhile.
const Batch& TrainingRun::take(std::int64_t batch_size) {
  const Batch* batch = nullptr;
  taking_.in_data([&] { batch = &stream_.take(batch_size); });
  return *batch;
}

TrainingRun::ForwardPass TrainingRun::go_forward(std::int64_t batch_size) {
  const Batch& batch = take(batch_size);
  ForwardPass pass{static_cast<std::int64_t>(batch.size()), {}};
  if (planning_) return pass;
  pass.sum = step_.forward_backward(batch, measurements_);
  if (extends_) extend(pass);
  return pass;
}

// Adds examples as long as the rule wants more, within the epoch and the budget.
void TrainingRun::extend(ForwardPass& pass) {
  while (stream_.epochs_completed() == statistics_.epochs_completed) {
    Statistics so_far = statistics_;
    const TrainingStep::Update measured = step_.measure();
    const GradientEstimate noise = noise_of(measured);
    so_far.batch_size = pass.examples;
    so_far.gradient_norm_squared = measured.gradient.gradient_norm_squared;
    so_far.gradient_variance_trace = noise.gradient_variance_trace;
    so_far.true_gradient_norm_squared = noise.true_gradient_norm_squared;
    std::int64_t more = std::min(controller_.extended(so_far) - pass.examples,
                                 stream_.epoch_examples() - stream_.cursor());
    if (const auto& budget = configuration_.budget.examples) {
      more = std::min(more, *budget - statistics_.examples_seen - pass.examples);
    }
    if (more < 1) return;
    const Batch& batch = take(more);
    const LossSum sum = step_.extend(batch);
    pass.examples += static_cast<std::int64_t>(batch.size());
    pass.sum.loss += sum.loss;
  }
}

TrainingStep::Update TrainingRun::update(std::int64_t batch_size,
                                         RunObserver& observer) {
  const CoupledStep coupled = couple(batch_size);
  statistics_.learning_rate = learning_rate(coupled.factor);
  schedule_examples_ += coupled.schedule_examples;
  if (planning_) return {};
  reset_moments_where_due(observer);
  const double ratio =
      static_cast<double>(batch_size) / static_cast<double>(reference_batch_size_);
  return step_.update(statistics_.learning_rate, coupled.batch_ratio, ratio);
}

void TrainingRun::reset_moments_where_due(RunObserver& observer) {
  if (!configuration_.reset_factor) return;
  const auto now = static_cast<double>(controller_.used().batch_size);
  const auto then = static_cast<double>(moments_batch_size_);
  if (std::max(now / then, then / now) < *configuration_.reset_factor) return;
  moments_batch_size_ = controller_.used().batch_size;
  optimizer_->reset();
  observer.on_moments_reset();
}

void TrainingRun::finish() {
  controller_.finish();
  for (Shadow& shadow : shadows_) shadow.controller.finish();
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

// A rule that is not built in may ask for examples that there are not.
void TrainingRun::select_subset() {
  const Subset all{0, statistics_.training_set_size};
  const Subset subset = controller_.wanted().subset.value_or(all);
  try {
    stream_.select(subset.first, subset.count);
  } catch (const Error& error) {
    const std::string& plugin = find_controller(configuration_.controller).plugin;
    throw Error(plugin.empty() ? error.kind() : ErrorKind::plugin,
                fmt::format("{}{}: {}", configuration_.controller,
                            plugin.empty() ? "" : " (" + printable(plugin, 400) + ")",
                            error.what()));
  }
}

std::int64_t TrainingRun::next_batch_size() {
  const Budget& budget = configuration_.budget;
  std::int64_t batch_size = controller_.used().batch_size;
  if (budget.examples) {
    batch_size = std::min(batch_size, *budget.examples - statistics_.examples_seen);
  }
  if (budget.epochs && branches_) {
    batch_size = std::min(batch_size, *budget.epochs * stream_.epoch_examples() -
                                          statistics_.examples_seen);
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

}  // namespace batchlab
