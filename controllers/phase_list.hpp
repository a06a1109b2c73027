// SPDX-License-Identifier: MIT
//
// The list of phases of a specification, read and checked.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "controllers/controller.hpp"
#include "controllers/registry.hpp"

namespace batchlab {

// What `until` may count.
struct PhaseUnit {
  std::string name;  // "epochs", "steps", "examples"
  std::int64_t Statistics::*count;
};

struct Phase {
  const PhaseUnit* unit = nullptr;  // of `until`; null: to the end of the run
  std::int64_t until = 0;           // counted from the start of the run
  Decision decision;                // without a reason
};

// `tables`: a list of tables, not empty. Throws Error(usage) for an unknown key, a
// value out of its range or larger than the data, and phases out of order.
[[nodiscard]] std::vector<Phase> phases_from(const nlohmann::json& tables,
                                             const Setting& setting);

}  // namespace batchlab
