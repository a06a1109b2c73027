// SPDX-License-Identifier: MIT
#include "experiments/decision_rows.hpp"

#include <fmt/format.h>

#include <utility>

#include "results/run_store.hpp"

namespace batchlab {

bool DecisionChanges::add(const Decision& wanted, const LimitedDecision& used) {
  const Subset subset = wanted.subset.value_or(Subset{});
  std::string decision = fmt::format(
      "{} {} {} {} {} {} {} {} {}", wanted.batch_size, used.batch_size, used.limited_by,
      wanted.learning_rate.value_or(0), wanted.learning_rate_factor, subset.first,
      subset.count, used.learning_rate_factor, wanted.branching.trial);
  if (decision == last_ && !wanted.branching.go_back_to) return false;
  last_ = std::move(decision);
  return true;
}

std::string decision_cells(const Decision& wanted, const LimitedDecision& used) {
  return fmt::format("{},{},{}", wanted.batch_size, used.batch_size, used.limited_by);
}

std::string shadow_row(const Statistics& at, const std::string& label,
                       const Decision& wanted, const LimitedDecision& used) {
  return fmt::format("{},{},{},{},{}", at.step, at.examples_seen, label,
                     decision_cells(wanted, used), csv_cell(wanted.reason));
}

}  // namespace batchlab
