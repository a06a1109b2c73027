// SPDX-License-Identifier: MIT
//
// The option tables of a specification's sections.
#pragma once

#include <span>

#include "controllers/option.hpp"

namespace batchlab {

inline constexpr double largest_seed = 4294967295.0;

[[nodiscard]] std::span<const Option> top_options();
[[nodiscard]] std::span<const Option> budget_options();
[[nodiscard]] std::span<const Option> target_options();
[[nodiscard]] std::span<const Option> data_options();
[[nodiscard]] std::span<const Option> layer_options();
[[nodiscard]] std::span<const Option> optimizer_options();
[[nodiscard]] std::span<const Option> evaluation_options();
[[nodiscard]] std::span<const Option> statistics_options();
[[nodiscard]] std::span<const Option> engine_options();
// Of a [[controllers]] entry, beside the options of its rule.
[[nodiscard]] std::span<const Option> controller_entry_options();
// Of a shadow, likewise: those of an entry that do not change the learning rate.
[[nodiscard]] std::span<const Option> shadow_options();

}  // namespace batchlab
