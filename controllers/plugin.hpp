// SPDX-License-Identifier: MIT
//
// Controllers in a shared library, in C++: a file with a Controller and its Entry, as
// every built-in rule is one, becomes a plugin by the line
//
//     BATCHLAB_PLUGIN("1.0", my_entry, my_other_entry);
//
// and by being linked with batchlab_controllers into a MODULE library, as
// batchlab_add_plugin() of plugin.cmake does. Within batchlab itself the line means
// nothing. What the controllers throw becomes the text of an error; Error(usage) stays
// one.
#pragma once

#include <vector>

#include "controllers/plugin_abi.h"
#include "controllers/registry.hpp"

namespace batchlab {

// What batchlab_plugin() returns: a description of `entries` that stays for the life of
// the process. Null where that fails.
[[nodiscard]] const batchlab_descriptor* describe_plugin(
    const char* version, std::vector<Entry> entries) noexcept;

}  // namespace batchlab

#ifdef BATCHLAB_BUILTIN
#define BATCHLAB_PLUGIN(version, ...) static_assert(true)
#else
#define BATCHLAB_PLUGIN(version, ...)                                       \
  extern "C" BATCHLAB_EXPORT const batchlab_descriptor* batchlab_plugin() { \
    static const auto* descriptor =                                         \
        ::batchlab::describe_plugin(version, {__VA_ARGS__});                \
    return descriptor;                                                      \
  }                                                                         \
  static_assert(true)
#endif
