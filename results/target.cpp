// SPDX-License-Identifier: MIT
#include "results/target.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace batchlab {

bool Target::met_by(const Evaluation& evaluation) const {
  if (evaluation.split != split) return false;
  if (quantity == "accuracy") return evaluation.accuracy >= value;
  return evaluation.loss <= value;
}

std::string Target::text() const {
  const char* relation = quantity == "accuracy" ? ">=" : "<=";
  return fmt::format("{}_{} {} {}", split, quantity, relation, value);
}

std::optional<Target> target_of(const Run& run) {
  using nlohmann::json;
  const json settings = run.configuration.value("target", json());
  if (!settings.is_object()) return std::nullopt;
  const auto metric = settings.find("metric"), value = settings.find("value");
  if (metric == settings.end() || !metric->is_string()) return std::nullopt;
  if (value == settings.end() || !value->is_number()) return std::nullopt;
  for (const char* split : {"test", "validation"}) {
    for (const char* quantity : {"accuracy", "loss"}) {
      if (*metric != fmt::format("{}_{}", split, quantity)) continue;
      return Target{split, quantity, value->get<double>()};
    }
  }
  return std::nullopt;
}

bool measured(const Run& run, const Target& target) {
  return std::any_of(
      run.evaluations.begin(), run.evaluations.end(), [&](const Evaluation& one) {
        const double value = target.quantity == "accuracy" ? one.accuracy : one.loss;
        return one.split == target.split && !std::isnan(value);
      });
}

std::optional<TargetReached> reached(const Run& run, const Target& target) {
  for (const Evaluation& evaluation : run.evaluations) {
    if (!target.met_by(evaluation)) continue;
    return TargetReached{.examples = static_cast<double>(evaluation.examples_seen),
                         .updates = static_cast<double>(evaluation.step),
                         .training_seconds = evaluation.training_seconds};
  }
  return std::nullopt;
}

}  // namespace batchlab
