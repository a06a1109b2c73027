// SPDX-License-Identifier: MIT
//
// A specification's document, complete: every option of every section with its value.
#pragma once

#include <nlohmann/json.hpp>

namespace batchlab {

// `document` with all defaults filled in, each controller entry as {name, label,
// position, learning_rate, coupling, reference_batch_size, limits, options}. Of entries
// without a label, the second "constant" becomes "constant-2". Throws Error(usage) for
// unknown keys and names (naming the closest), wrong types and ranges, and what
// contradicts itself.
[[nodiscard]] nlohmann::json complete_document(const nlohmann::json& document);

}  // namespace batchlab
