// SPDX-License-Identifier: MIT
//
// Decisions as rows: of decisions.csv, of shadows.csv, and of a replay.
#pragma once

#include <string>
#include <string_view>

#include "controllers/limits.hpp"

namespace batchlab {

// A decision has a row where it differs from the last one in more than its reason.
class DecisionChanges {
 public:
  // Whether that is so for this one.
  [[nodiscard]] bool add(const Decision& wanted, const LimitedDecision& used);

 private:
  std::string last_;
};

// Cells wanted_batch_size, batch_size, limited_by.
[[nodiscard]] std::string decision_cells(const Decision& wanted,
                                         const LimitedDecision& used);

inline constexpr std::string_view shadow_columns =
    "step,examples_seen,shadow,wanted_batch_size,batch_size,limited_by,reason";

[[nodiscard]] std::string shadow_row(const Statistics& at, const std::string& label,
                                     const Decision& wanted,
                                     const LimitedDecision& used);

}  // namespace batchlab
