// SPDX-License-Identifier: MIT
//
// An entry of a shared library, as it describes itself, checked and made one of the
// registry.
#pragma once

#include <algorithm>
#include <cstring>
#include <string>

#include "controllers/plugin_abi.h"
#include "controllers/registry.hpp"

namespace batchlab {

// A library and the struct sizes that it was compiled with.
struct LibraryLayout {
  std::string path;
  std::size_t entry_size = 0, option_size = 0;
};

// The struct of `index` in an array of structs of `size` bytes: all that the library
// knows of it, zero beyond.
template <class Struct>
Struct struct_at(const void* array, std::size_t index, std::size_t size) {
  Struct copy{};
  const char* place = static_cast<const char*>(array) + index * size;
  std::memcpy(&copy, place, std::min(size, sizeof copy));
  return copy;
}

// Entry `index` of `entries`. Throws Error(plugin), where a name, a function, an option
// or the default limits cannot be.
[[nodiscard]] Entry library_entry(const LibraryLayout& layout,
                                  const batchlab_entry* entries, std::size_t index);

}  // namespace batchlab
