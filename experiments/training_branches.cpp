// SPDX-License-Identifier: MIT
//
// What a rule that branches asks of a run: states that are kept and returned to.
#include <fmt/format.h>

#include <utility>

#include "controllers/error.hpp"
#include "experiments/training.hpp"

namespace batchlab {

void TrainingRun::branch() {
  const Branching& branching = controller_.wanted().branching;
  if (branching != Branching{}) check(branching);
  if (branching.keep_as) keep_state(*branching.keep_as);
  if (branching.go_back_to) go_back_to(*branching.go_back_to);
  if (branching.trial) return;
  states_.clear();
  // A schedule ends with the budget, which counts what was given up.
  const std::int64_t given_up = statistics_.examples_seen - examples_kept_;
  schedule_examples_ +=
      static_cast<double>(given_up - std::exchange(scheduled_given_up_, given_up));
}

// A rule that is not built in may ask for anything.
void TrainingRun::check(const Branching& branching) const {
  const auto refuse = [&](const std::string& what) {
    throw Error(ErrorKind::plugin,
                fmt::format("{}: {}", configuration_.controller, what));
  };
  if (!branches_) refuse("branches, and its entry does not say so");
  const auto& [keep_as, go_back_to, trial] = branching;
  if (go_back_to && keep_as != go_back_to && !states_.contains(*go_back_to)) {
    refuse(fmt::format("goes back to state {}, which is not kept", *go_back_to));
  }
  if (trial && !keep_as && states_.empty()) {
    refuse("tries a step without a state to go back to");
  }
}

void TrainingRun::give_up_trial() {
  if (controller_.wanted().branching.trial) go_back_to(states_.begin()->first);
}

void TrainingRun::keep_state(int number) {
  State state{parameters_,
              {},
              {},
              average_,
              stream_.position(),
              noise_,
              pair_counted_,
              noise_scale_,
              schedule_examples_,
              examples_kept_,
              moments_batch_size_};
  const OptimizerState optimizer = optimizer_->state();
  for (const auto& [name, array] : optimizer.arrays) {
    state.optimizer_arrays.push_back(*array);
  }
  for (const auto& [name, value] : optimizer.numbers) {
    state.optimizer_numbers.push_back(*value);
  }
  states_.insert_or_assign(number, std::move(state));
}

void TrainingRun::go_back_to(int number) {
  const State& state = states_.at(number);
  parameters_ = state.parameters;
  const OptimizerState optimizer = optimizer_->state();
  for (std::size_t i = 0; i < optimizer.arrays.size(); ++i) {
    *optimizer.arrays[i].second = state.optimizer_arrays[i];
  }
  for (std::size_t i = 0; i < optimizer.numbers.size(); ++i) {
    *optimizer.numbers[i].second = state.optimizer_numbers[i];
  }
  average_ = state.average;
  stream_.restore(state.position);
  noise_ = state.noise;
  pair_counted_ = state.pair_counted;
  noise_scale_ = state.noise_scale;
  schedule_examples_ = state.schedule_examples;
  examples_kept_ = state.examples_kept;
  moments_batch_size_ = state.moments_batch_size;
  statistics_.epochs_completed = stream_.epochs_completed();
  step_.forget_previous();
}

}  // namespace batchlab
