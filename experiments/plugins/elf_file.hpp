// SPDX-License-Identifier: MIT
//
// Whether a file can be a shared library of this machine, seen from its first bytes: so
// that what is none gets a sentence, not the loader.
#pragma once

#include <filesystem>

namespace batchlab {

// Throws Error(plugin) where the file cannot be read, is no ELF file, no shared one, is
// for another kind of machine, or is cut short.
void check_shared_library_file(const std::filesystem::path& path);

}  // namespace batchlab
