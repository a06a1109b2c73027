// SPDX-License-Identifier: MIT
//
// What names a rule in a specification: [[controllers]] entries and shadows. All of
// these throw Error(usage) for unknown keys and names (naming the closest), wrong types
// and ranges, and a rule or coupling that does not go with the optimizer.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace batchlab {

// Names become folders: nothing that could leave the output folder or surprise a shell.
void check_name(const std::string& what, const std::string& name);

// The [[controllers]] as {name, label, position, learning_rate, coupling,
// reference_batch_size, shadow, limits, options}, all complete. `shadow`: of entries
// that have none of their own. Of entries without a label, the second "constant"
// becomes "constant-2".
[[nodiscard]] nlohmann::json complete_entries(const nlohmann::json& given,
                                              const nlohmann::json& shadow,
                                              const nlohmann::json& optimizer);

// A shadow, given by its name or as a table, as {name, label, limits, options}; the
// label is null where it has none.
[[nodiscard]] nlohmann::json complete_shadow(const nlohmann::json& given,
                                             const nlohmann::json& optimizer);

}  // namespace batchlab
