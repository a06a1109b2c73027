// SPDX-License-Identifier: MIT
//
// Whose code a plugin is: that of nobody but root and this user.
#pragma once

#include <filesystem>

namespace batchlab {

// Throws Error(plugin) where someone else could replace `file`: it, or a folder or link
// on the way to it, belongs to neither root nor this user, or group or others can write
// to it. A folder where all can write but only replace their own (/tmp, sticky) is none
// of these. The message names what it is, its mode, and the command that changes it.
void check_trusted(const std::filesystem::path& file);

}  // namespace batchlab
