// SPDX-License-Identifier: MIT
//
// Interventions in a run: from their source to the controller.
#include <utility>

#include "experiments/training.hpp"

namespace batchlab {

void TrainingRun::control(std::unique_ptr<InterventionSource> source) {
  interventions_ = std::move(source);
}

OwnLimits TrainingRun::own_limits() const {
  return {configuration_.limits, {statistics_.training_set_size}};
}

void TrainingRun::intervene(RunObserver& observer) {
  if (!interventions_) return;
  std::optional<Intervention> intervention = interventions_->after(statistics_);
  if (!intervention) return;
  intervention->step = statistics_.step;
  controller_.set_limits(limits_under(*intervention, own_limits()));
  controller_.force(intervention->batch_size);
  observer.on_intervention(statistics_, *intervention);
}

}  // namespace batchlab
