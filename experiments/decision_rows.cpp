// SPDX-License-Identifier: MIT
#include "experiments/decision_rows.hpp"

#include <fmt/format.h>

#include <utility>

#include "results/run_store.hpp"

namespace batchlab {

bool DecisionChanges::add(const Decision& wanted, const LimitedDecision& used) {
  const Subset subset = wanted.subset.value_or(Subset{});
  std::string decision = fmt::format(
      "{} {} {} {} {} {} {} {}", wanted.batch_size, used.batch_size, used.limited_by,
      wanted.learning_rate.value_or(0), wanted.learning_rate_factor, subset.first,
      subset.count, used.learning_rate_factor);
  if (decision == last_) return false;
  last_ = std::move(decision);
  return true;
}

std::string decision_cells(const Decision& wanted, const LimitedDecision& used) {
  return fmt::format("{},{},{},{}", wanted.batch_size, used.batch_size, used.limited_by,
                     csv_cell(wanted.reason));
}

std::string shadow_row(const Statistics& at, const std::string& label,
                       const Decision& wanted, const LimitedDecision& used) {
  return fmt::format("{},{},{},{}", at.step, at.examples_seen, label,
                     decision_cells(wanted, used));
}

}  // namespace batchlab
