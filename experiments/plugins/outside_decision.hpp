// SPDX-License-Identifier: MIT
//
// What code that is not batchlab's decides, checked before anything follows it.
#pragma once

#include <string>

#include "controllers/controller.hpp"

namespace batchlab {

// Wishes beyond are mistakes, not wishes: they name no number of examples.
inline constexpr double least_outside_batch_size = 1, most_outside_batch_size = 1e15;

// `decision` if all its numbers are sound, its reason fit to be printed. Else throws
// Error(plugin): `mine (/home/me/mine.so): batch size must be in [1, 1e15], got nan`.
// `who`: "mine (/home/me/mine.so)".
[[nodiscard]] Decision checked(Decision decision, const std::string& who);

// `examples` if it may be the answer of extended_batch_size(): 0, for nothing more, or
// a batch size.
[[nodiscard]] double checked_extension(double examples, const std::string& who);

// `value` if it may be that of the option `name`, which was measured: finite.
[[nodiscard]] double checked_measured(double value, const std::string& name,
                                      const std::string& who);

}  // namespace batchlab
