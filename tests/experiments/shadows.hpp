// SPDX-License-Identifier: MIT
//
// For the tests of shadows and replays: lists of rules as a specification has them.
#pragma once

#include "controllers/registry.hpp"
#include "tests/experiments/program.hpp"

namespace batchlab::test {

using nlohmann::json;

inline const std::string phases_table =
    "name=\"phases\", phases=[{until={epochs=1}, batch_size=32}, {until={steps=50}, "
    "batch_size=64, learning_rate=0.05, subset={first=0, count=100}}, "
    "{batch_size=100}]";

// Every rule of the registry; those with a choice of statistic for each choice.
inline std::string every_rule() {
  std::string list = "[{" + phases_table +
                     "}, {name=\"plateau\", patience=1, label=\"accuracy\", "
                     "metric=\"validation_accuracy\"}, {name=\"plateau\", patience=1, "
                     "label=\"training\", metric=\"training_loss\"}";
  for (const Entry* entry : controllers()) {
    if (entry->name == "goodput") {
      list += ", {name=\"goodput\", cost_ratio=30}";
    } else if (entry->name != "phases" && !entry->branches) {
      list += ", \"" + entry->name + '"';
    }
  }
  return list + ']';
}

}  // namespace batchlab::test
