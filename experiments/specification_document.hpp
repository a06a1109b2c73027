// SPDX-License-Identifier: MIT
//
// A specification's document, complete: every option of every section with its value.
#pragma once

#include <nlohmann/json.hpp>

namespace batchlab {

// `document` with all defaults filled in, the controllers as complete_entries() gives
// them. Throws Error(usage) for unknown keys and names (naming the closest), wrong
// types and ranges, and what contradicts itself.
[[nodiscard]] nlohmann::json complete_document(const nlohmann::json& document);

}  // namespace batchlab
