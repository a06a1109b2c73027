// SPDX-License-Identifier: MIT
//
// A controller whose code is in a shared library.
#pragma once

#include <cstdint>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "controllers/plugin_abi.h"
#include "controllers/registry.hpp"

namespace batchlab {

struct LibraryCode {
  batchlab_entry entry{};
  std::string who;  // "mine (/home/me/mine.so)"
};

// `options`: complete and checked. What the code of `code` answers is checked too.
[[nodiscard]] std::unique_ptr<Controller> make_library_controller(
    std::shared_ptr<const LibraryCode> code, const nlohmann::json& options,
    const Setting& setting);

// Throws Error(plugin) where a bit of `needs` is that of no statistic.
void check_needs(std::uint64_t needs, const std::string& who);

}  // namespace batchlab
