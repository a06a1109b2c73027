// SPDX-License-Identifier: MIT
//
// The types of controllers/ as those of plugin_abi.h, and back. Both sides use this:
// batchlab, and a plugin in C++.
#pragma once

#include <cstdint>
#include <string_view>

#include "controllers/controller.hpp"
#include "controllers/plugin_abi.h"

namespace batchlab {

// Every field as sent. What is absent is NaN and not among `measured`.
[[nodiscard]] batchlab_statistics to_plugin(const Statistics& statistics);
[[nodiscard]] Statistics from_plugin(const batchlab_statistics& statistics);

[[nodiscard]] std::uint64_t to_plugin(Needs needs);
// Unknown bits are left out.
[[nodiscard]] Needs needs_from_plugin(std::uint64_t bits);

// Of what a plugin has before it decides; its reason is a view of `decision.reason`.
[[nodiscard]] batchlab_decision undecided();
[[nodiscard]] batchlab_decision to_plugin(const Decision& decision);
// The first 10,000 bytes of its reason.
[[nodiscard]] Decision from_plugin(const batchlab_decision& decision);

[[nodiscard]] batchlab_text to_plugin(std::string_view text);
// At most `limit` bytes of it. A null pointer is an empty text.
[[nodiscard]] std::string_view from_plugin(batchlab_text text, std::size_t limit);

}  // namespace batchlab
