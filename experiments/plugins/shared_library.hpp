// SPDX-License-Identifier: MIT
//
// Controllers from a shared library, by the C interface of controllers/plugin_abi.h.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "controllers/registry.hpp"

namespace batchlab {

// The controllers of the library at `path`, which stays loaded for the life of the
// process; Entry::plugin is `path`. Their code runs in this process: what it throws is
// caught, what it breaks is not. Throws Error(plugin) where it is no library, has no
// entry symbol, is for another machine or version, or describes itself wrongly.
// `version`, if given, becomes that which the plugin says it has.
[[nodiscard]] std::vector<Entry> load_shared_library(const std::filesystem::path& path,
                                                     std::string* version = nullptr);

}  // namespace batchlab
