// SPDX-License-Identifier: MIT
//
// What a rule that branches asks of a run: states that are kept and returned to.
#include "experiments/training.hpp"

namespace batchlab {

void TrainingRun::branch() {
  const Branching& branching = controller_.wanted().branching;
  if (branching.keep_as) keep_state(*branching.keep_as);
  if (branching.go_back_to) go_back_to(*branching.go_back_to);
  if (!branching.trial) states_.clear();
}

void TrainingRun::keep_state(int number) {
  State state{
      parameters_,   {}, {}, average_, stream_.position(), noise_, schedule_examples_,
      examples_kept_};
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
  schedule_examples_ = state.schedule_examples;
  examples_kept_ = state.examples_kept;
  statistics_.epochs_completed = stream_.epochs_completed();
  step_.forget_previous();
}

}  // namespace batchlab
