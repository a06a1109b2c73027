// SPDX-License-Identifier: MIT
//
// TOML text as a JSON document, the one form in which specifications are handled.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace batchlab {

// Throws Error(usage) naming `origin` and the line for anything that is no plain-ASCII
// TOML, for dates and times, nesting beyond 32 levels, and text that is empty.
[[nodiscard]] nlohmann::json parse_toml(std::string_view text,
                                        const std::string& origin);

// `document` as such a text, without its nulls. Throws Error(failed) where what would
// be read again is another one.
[[nodiscard]] std::string to_toml(const nlohmann::json& document);

// Reads a file of at most 1 MB. Throws Error(usage) when it is missing, larger or
// unreadable.
[[nodiscard]] std::string read_text_file(const std::string& path);

// Applies `assignment`, "key.path=value", to `document`. The value is TOML, or else
// text: optimizer.name=sgd, budget.epochs=2, controllers.0.batch_size=64. A member of
// the controllers is named by position, label or name. Throws Error(usage).
void apply_setting(nlohmann::json& document, const std::string& assignment);

}  // namespace batchlab
