// SPDX-License-Identifier: MIT
//
// What code that is not batchlab's says of its controllers, checked before anyone may
// choose them.
#pragma once

#include <string>

#include "controllers/registry.hpp"

namespace batchlab {

// `entry` if its names can stand in a specification and its defaults are within its
// ranges; its texts fit to be printed. Else throws Error(plugin):
// `/home/me/mine.py: controller mine: option gain: ...`. `who`: the file.
[[nodiscard]] Entry checked(Entry entry, const std::string& who);

}  // namespace batchlab
